/* The banner works without this; with it, links to feedback and to this page over there keep
 * the part behind "#", closing the banner does not load the page again, and the banner comes
 * and goes while the page is open. */
(function () {
  "use strict";
  var MINUTE = 60000;
  var LONGEST_WAIT = 10 * MINUTE;
  var MOST_FAILURES = 5;
  var place = document.getElementById("legacy-banner-place");
  var timer, asking, failures = 0, askedAt = Date.now();

  // Only links of this project, by their class; the portal's own stay as they are.
  document.addEventListener("click", function (event) {
    var link = event.target.closest("a.js-open-here, a.js-about-here");
    if (!link) {
      return;
    }
    var address = new URL(link.href);
    if (link.classList.contains("js-open-here")) {
      address.hash = location.hash;
    } else {
      address.searchParams.set("about", location.pathname + location.search + location.hash);
    }
    link.href = address.href;
  });
  if (!place) {
    return;
  }

  place.addEventListener("submit", function (event) {
    var form = event.target;
    if (!form.classList.contains("js-close-banner")) {
      return;
    }
    event.preventDefault();
    // It outlives the page: somebody may be on the way to the next one already.
    fetch(form.action, {
      method: "POST",
      body: new FormData(form),
      redirect: "manual",
      keepalive: true,
    });
    place.replaceChildren();
    // The focus was on the button that is gone.
    var content = document.querySelector("main");
    if (content) {
      content.focus();
    }
  });

  function show(next) {
    var shown = document.getElementById("legacy-banner");
    var said = shown ? shown.dataset.state : "";
    // Whoever is in the banner with the keyboard is not disturbed: the next answer will do.
    if (said === (next ? next.dataset.state : "") || place.contains(document.activeElement)) {
      return;
    }
    var busy = document.activeElement !== document.body && document.activeElement;
    var below = busy || place.nextElementSibling || document.body;
    var before = below.getBoundingClientRect().top;
    place.classList.toggle("legacy-banner-late", Boolean(next));
    place.replaceChildren.apply(place, next ? [document.importNode(next, true)] : []);
    // What somebody types in stays where it is, and comes out from under the banner. Where the
    // banner would scroll away, it goes before a page that nobody works in.
    if (busy || !next || getComputedStyle(place).position === "sticky") {
      scroll(below.getBoundingClientRect().top - before);
    }
    if (busy && next) {
      scroll(Math.min(0, busy.getBoundingClientRect().top - place.getBoundingClientRect().bottom));
    }
  }

  function scroll(pixels) {
    window.scrollBy({ top: pixels, behavior: "instant" });
  }

  function endStepBack(answer) {
    var shown = document.getElementById("step-back-banner");
    var runs = answer && answer.getElementById("step-back-banner");
    if (shown && !runs && !shown.contains(document.activeElement)) {
      shown.remove();
    }
  }

  function askLater() {
    clearTimeout(timer);
    if (!document.hidden && failures < MOST_FAILURES) {
      timer = setTimeout(ask, Math.min(MINUTE * Math.pow(2, failures), LONGEST_WAIT));
    }
  }

  function ask() {
    if (asking) {
      return;
    }
    asking = true;
    askedAt = Date.now();
    var request = new XMLHttpRequest();
    request.open("GET", place.dataset.here + "&page=" +
      encodeURIComponent(location.pathname + location.search));
    // A browser without Sec-Fetch headers says no other way that this is no page of a tab.
    request.setRequestHeader("X-Requested-With", "XMLHttpRequest");
    // Read as a document by the browser: nothing in it runs, whatever the page's policy says.
    request.responseType = "document";
    request.timeout = MINUTE / 2;
    request.onloadend = function () {
      asking = false;
      if (request.status === 200 || request.status === 204) {
        failures = 0;
        endStepBack(request.response);
        show(request.response && request.response.getElementById("legacy-banner"));
      } else {
        failures += 1;
      }
      askLater();
    };
    request.send();
  }

  function seenAgain() {
    clearTimeout(timer);
    if (!document.hidden && failures < MOST_FAILURES) {
      // Not for every change of tabs.
      timer = setTimeout(ask, Math.max(0, askedAt + 5000 - Date.now()));
    }
  }

  if (!place.dataset.here) {
    // Shown out of a loop: there is nothing to ask.
    return;
  }
  document.addEventListener("visibilitychange", seenAgain);
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) {
      asking = false;
      seenAgain();
    }
  });
  askLater();
})();
