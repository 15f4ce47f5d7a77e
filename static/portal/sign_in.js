// A fragment never reaches the server: it is added to the page the sign-in leads back to.
const next = document.querySelector("#sign-in input[name=next]");
if (next && location.hash.length > 1) {
  next.value = next.value.split("#")[0] + location.hash;
}
