/* The banner works without this; with it, its links keep the part behind "#" and closing it
 * does not load the page again. */
(function () {
  "use strict";
  var banner = document.getElementById("legacy-banner");
  if (!banner) {
    return;
  }
  banner.addEventListener("click", function (event) {
    var link = event.target.closest("a");
    if (!link) {
      return;
    }
    var address = new URL(link.href);
    if (link.classList.contains("js-open-here")) {
      address.hash = location.hash;
    } else if (address.searchParams.has("about")) {
      address.searchParams.set("about", location.pathname + location.search + location.hash);
    }
    link.href = address.href;
  });
  banner.addEventListener("submit", function (event) {
    event.preventDefault();
    var form = event.target;
    fetch(form.action, { method: "POST", body: new FormData(form), redirect: "manual" });
    banner.remove();
  });
})();
