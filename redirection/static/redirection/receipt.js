// Where a change has arrived is asked for again and again. Without an answer what the page says
// grows old: it may not go on looking good, and then says so. The words come from the server.
const ASK_AGAIN_AFTER = 1000;
const LOOKS_GOOD_FOR = 2500;
const SILENT_AFTER = 6000;
const LOOK_EVERY = 250;

const part = document.getElementById("receipt");
let answeredAt = Date.now();
let asking;

// Once it is over (signed out), the page no longer asks.
const poll = () => part.querySelector("#receipt-poll[hx-get]");
const ask = () => poll()?.dispatchEvent(new Event("ask"));
// Not the element the event is sent to: that may be another one, once it is replaced.
const isAboutReceipt = (event) => event.detail.requestConfig.elt.id === "receipt-poll";

// Something on the way may answer with a page of its own.
function isAnswer(xhr) {
  const isGood = xhr.status >= 200 && xhr.status < 300;
  return isGood && (xhr.status === 204 || xhr.responseText.includes('id="receipt-poll"'));
}

function look() {
  const age = poll() ? Date.now() - answeredAt : 0;
  part.classList.toggle("unanswered", age > LOOKS_GOOD_FOR);
  saySilence(age > SILENT_AFTER);
}

function saySilence(isSilent) {
  const said = part.querySelector("#receipt-silence");
  if (isSilent === Boolean(said)) {
    return;
  }
  part.querySelector("#receipt-sentence").hidden = isSilent;
  if (isSilent) {
    const silence = document.createElement("p");
    silence.id = "receipt-silence";
    silence.textContent = part.querySelector("#receipt-time").dataset.silence;
    part.querySelector("[role=status]").append(silence);
  } else {
    said.remove();
  }
}

document.addEventListener("htmx:beforeSwap", (event) => {
  if (isAboutReceipt(event) && !isAnswer(event.detail.xhr)) {
    event.detail.shouldSwap = false;
  }
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (!isAboutReceipt(event)) {
    return;
  }
  clearTimeout(asking);
  if (isAnswer(event.detail.xhr)) {
    answeredAt = Date.now();
    look();
  } else {
    asking = setTimeout(ask, ASK_AGAIN_AFTER);
  }
});

// A page in the background asks rarely: it may be old, which is no silence yet.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    answeredAt = Math.max(answeredAt, Date.now() - LOOKS_GOOD_FOR - 1);
    look();
    ask();
  }
});

setInterval(look, LOOK_EVERY);
