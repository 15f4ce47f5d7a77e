/* The portal script: a tab of the legacy portal opened after the switch goes on to the
 * destination, and the banner of a page that is open comes and goes.
 *
 * It holds no rules: the server says what it has to know, the hand-over page knows where a page
 * lives now, and the server counts. On pages of this project that stands in the attributes of
 * the script's own tag, and the banner in the page. Served for a portal that is not ours, the
 * script has SERVED (see portal_script.py), reads nothing of the page, and asks for its state.
 * docs/foreign-portals.md says what each part is good for. */
(function () {
  "use strict";
  var ONCE = Symbol.for("redirection.portal-script");
  if (window.top !== window || window[ONCE]) {
    // A frame is no tab; and twice would tell everything twice.
    return;
  }
  window[ONCE] = true;
  var KEY = "redirection.tab-began";
  var MINUTE = 60000;
  var LONGEST_WAIT = 10 * MINUTE;
  var MOST_FAILURES = 5;
  // Percent-encoded; servers in front take addresses of 8 kB.
  var LONGEST_PAGE = 6000;
  var BEGINNINGS = ["click", "drop", "input", "keydown", "pointerdown"];
  // A link or form takes it along to the next page of the origin, in Chromium: what is there
  // already need not be of this page.
  var activation = navigator.userActivation || {};
  var wasActive = activation.hasBeenActive;
  var served = typeof SERVED === "undefined" ? null : SERVED;

  /* The tab. sessionStorage belongs to a tab and a host: the moment of the tab's first legacy
   * page is kept there, by the server's clock, and compared with the moment of the switch. */

  function moves(page) {
    var answer = page.go !== undefined;
    // Where the state came late: what somebody has begun is not lost, the next page moves.
    var used = served && isInUse();
    try {
      // From another host of the same organisation, where the tab was already: it carries on,
      // even if it was here before, as late as after the switch.
      var carriesOn = page.carriesOn !== undefined && (history.length > 1 || window.opener);
      var began = carriesOn ? "0" : sessionStorage.getItem(KEY) || page.now;
      answer = answer || (page.since !== undefined && Number(began) >= Number(page.since));
      if (!answer || used) {
        sessionStorage.setItem(KEY, began);
      }
    } catch (storageIsBlocked) {
      // Which tab this is cannot be known, and nobody is ejected on a guess.
    }
    return answer && !used;
  }

  /** Whether somebody has begun something in this page, as far as the browser tells. */
  function isInUse() {
    if (hasBeginnings(window)) {
      return true;
    }
    var frame = document.activeElement;
    var elsewhere = frame && frame.contentWindow && !frame.contentDocument;
    // In a frame of another origin nothing can be counted, and some browsers count nothing.
    var isOfThisPage = !wasActive || elsewhere || !window.EventCounts;
    return Boolean(activation.hasBeenActive && isOfThisPage);
  }

  /** The same for a window of this origin and the frames in it; counted from its first moment. */
  function hasBeginnings(view) {
    try {
      return BEGINNINGS.some(function (name) {
        return view.performance.eventCounts.get(name) > 0;
      }) || Array.from(view.document.querySelectorAll("iframe, frame")).some(function (frame) {
        return hasBeginnings(frame.contentWindow);
      });
    } catch (cannotBeRead) {
      return false;
    }
  }

  // Only the browser knows the part behind "#"; the server counts the page it means.
  function tell(page, fragment, movedOn) {
    var load = navigationEntry();
    if (load.type === "back_forward" && load.transferSize === 0) {
      // From the browser's own cache: the server has not counted it.
      return;
    }
    navigator.sendBeacon(
      here(page.pageSeen),
      new URLSearchParams({
        path: location.pathname.slice(0, 1000),
        fragment: fragment,
        moved_on: movedOn ? "1" : "",
        counted: page.counted === undefined || load.responseStatus >= 400 ? "" : "1",
      })
    );
  }

  /** The tab leaves this page, or it ``stays``: at once, or because it could not leave. */
  function leaveOr(page, stays) {
    var fragment = location.hash.slice(0, 2000);
    if (!moves(page) || !mayLeadTo(page.handOver)) {
      if (page.shell !== undefined || fragment) {
        afterLoad(function () {
          tell(page, fragment, false);
        });
      }
      stays();
      return;
    }
    // Nothing of the legacy page is shown while the browser leaves it.
    document.documentElement.hidden = true;
    ifStillHere(function () {
      document.documentElement.hidden = false;
      stays();
    });
    try {
      tell(page, fragment, true);
    } finally {
      location.replace(page.handOver + location.hash);
    }
  }

  /** The page may ask whoever leaves it, or forbid it, and a browser has a button to stop. */
  function ifStillHere(then) {
    // Older browsers do not say so, and there that name may be an element of the page: what waits
    // for a slow destination is then shown meanwhile.
    if ("onnavigateerror" in Object(window.navigation)) {
      window.navigation.addEventListener("navigateerror", then, { once: true });
    } else {
      setTimeout(then, 1000);
    }
  }

  function navigationEntry() {
    var loads = window.performance && window.performance.getEntriesByType("navigation");
    return (loads && loads[0]) || {};
  }

  function afterLoad(then) {
    if (document.readyState === "complete") {
      then();
    } else {
      window.addEventListener("load", then);
    }
  }

  /* Addresses. A page may have a <base>, which must lead nothing of ours elsewhere. */

  function here(path) {
    return new URL(path, location.origin).href;
  }

  function mayLeadTo(address) {
    var origin = new URL(address, location.origin).origin;
    return !served || origin === location.origin || served.destinations.indexOf(origin) >= 0;
  }

  /** A part of an answer of the server, for this document. */
  function ours(part) {
    var node = document.importNode(part, true);
    node.querySelectorAll("[href], [action]").forEach(function (found) {
      var name = found.hasAttribute("href") ? "href" : "action";
      var address = found.getAttribute(name);
      if (mayLeadTo(address)) {
        found.setAttribute(name, here(address));
        found.setAttribute("target", "_self");
      } else {
        found.remove();
      }
    });
    return node;
  }

  /* The banner. It works without this; with it, links to feedback and to this page over there
   * keep the part behind "#", closing it does not load the page again, and it comes and goes
   * while the page is open. ``root`` is the document, or the shadow root that holds the banner. */

  function tend(root) {
    var place = root.getElementById("legacy-banner-place");
    var timer, asking, failures = 0, askedAt = Date.now();

    // Only links of this project, by their class; the portal's own stay as they are.
    root.addEventListener("click", function (event) {
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

    root.addEventListener("submit", function (event) {
      var form = event.target;
      if (form.classList.contains("js-end-step-back")) {
        // The browser carries the part behind "#" from the form's address through every answer.
        form.action = form.action.split("#")[0] + location.hash;
      } else if (form.classList.contains("js-close-banner")) {
        event.preventDefault();
        close(form);
      }
    });

    function close(form) {
      // It outlives the page: somebody may be on the way to the next one already.
      fetch(form.action, {
        method: "POST",
        body: new FormData(form),
        redirect: "manual",
        keepalive: true,
      });
      place.replaceChildren();
      // The focus was on the button that is gone.
      var content = document.querySelector("main[tabindex]");
      if (content) {
        content.focus({ preventScroll: true });
      }
    }

    function show(next) {
      var shown = root.getElementById("legacy-banner");
      var said = shown ? shown.dataset.state : "";
      // Whoever is in the banner with the keyboard is not disturbed: the next answer will do.
      if (said === (next ? next.dataset.state : "") || place.contains(root.activeElement)) {
        return;
      }
      var busy = root.activeElement !== document.body && root.activeElement;
      var below = busy || place.nextElementSibling || document.body;
      var before = below.getBoundingClientRect().top;
      place.classList.toggle("legacy-banner-late", Boolean(next));
      place.replaceChildren.apply(place, next ? [ours(next)] : []);
      if (root === document) {
        makeRoom(Boolean(next), busy, below, before);
      }
    }

    /** In the page itself: what somebody types in stays where it is, and comes out from under
     * the banner. Where the banner would scroll away, it goes before a page that nobody works
     * in. */
    function makeRoom(shown, busy, below, before) {
      if (busy || !shown || getComputedStyle(place).position === "sticky") {
        scroll(below.getBoundingClientRect().top - before);
      }
      if (busy && shown) {
        scroll(Math.min(0, busy.getBoundingClientRect().top - place.getBoundingClientRect().bottom));
      }
    }

    function scroll(pixels) {
      window.scrollBy({ top: pixels, behavior: "instant" });
    }

    function endStepBack(answer) {
      var shown = root.getElementById("step-back-banner");
      var runs = answer && answer.getElementById("step-back-banner");
      if (shown && !runs && !shown.contains(root.activeElement)) {
        shown.remove();
      }
    }

    function askLater() {
      clearTimeout(timer);
      if (!document.hidden && failures < MOST_FAILURES) {
        timer = setTimeout(askNow, Math.min(MINUTE * Math.pow(2, failures), LONGEST_WAIT));
      }
    }

    function askNow() {
      var page = pageHere();
      if (asking) {
        return;
      }
      if (!page) {
        askLater();
        return;
      }
      asking = true;
      askedAt = Date.now();
      ask(place.dataset.here + "&page=" + page, function (status, answer) {
        asking = false;
        if (status === 200 || status === 204) {
          failures = 0;
          endStepBack(answer);
          show(answer && answer.getElementById("legacy-banner"));
        } else {
          failures += 1;
        }
        askLater();
      });
    }

    function seenAgain() {
      clearTimeout(timer);
      if (!document.hidden && failures < MOST_FAILURES) {
        // Not for every change of tabs.
        timer = setTimeout(askNow, Math.max(0, askedAt + 5000 - Date.now()));
      }
    }

    if (place && place.dataset.here) {
      // Without it the banner is shown out of a loop, and there is nothing to ask.
      document.addEventListener("visibilitychange", seenAgain);
      window.addEventListener("pageshow", function (event) {
        if (event.persisted) {
          asking = false;
          seenAgain();
        }
      });
      askLater();
    }
    return show;
  }

  /** The page for an address; empty if it is too long for one. */
  function pageHere() {
    var page = encodeURIComponent(location.pathname + location.search);
    if (page.length > LONGEST_PAGE) {
      // Without its filters the link still leads to the right page.
      var tid = new URLSearchParams(location.search).get("tid");
      page = encodeURIComponent(location.pathname + (tid ? "?tid=" + encodeURIComponent(tid) : ""));
    }
    return page.length > LONGEST_PAGE ? "" : page;
  }

  /** Ask the server; ``then`` gets the status and the answer as a document. */
  function ask(path, then) {
    var without, request = new XMLHttpRequest();
    request.open("GET", here(path));
    // A browser without Sec-Fetch headers says no other way that this is no page of a tab.
    request.setRequestHeader("X-Requested-With", "XMLHttpRequest");
    // Read as a document by the browser: nothing in it runs, whatever the page's policy says.
    request.responseType = "document";
    request.timeout = MINUTE / 2;
    request.onreadystatechange = function () {
      if (request.readyState === 2 && request.status !== 200) {
        // The error page of a proxy is not for this page, whose policy it may not know.
        without = request.status;
        request.abort();
      }
    };
    request.onloadend = function () {
      then(without || request.status, without ? null : request.response);
    };
    request.send();
  }

  function afterParsing(then) {
    if (document.readyState === "loading") {
      document.addEventListener("DOMContentLoaded", then);
    } else {
      then();
    }
  }

  /* A portal that is not ours. */

  function askForState() {
    var page = pageHere();
    if (!page) {
      return;
    }
    var query = "?page=" + page + "&load=" + encodeURIComponent(noteOfLoad()) +
      "&age=" + Math.round(performance.now()) +
      "&referrer=" + encodeURIComponent(String(document.referrer).split("/").slice(0, 3).join("/"));
    ask("/redirection/state" + query, function (status, answer) {
      var script = status === 200 && answer && answer.querySelector("script[data-now]");
      if (script) {
        leaveOr(script.dataset, function () {
          afterParsing(function () {
            hang(answer);
          });
        });
      }
    });
  }

  // What decided on this load has left a note for this script in the answer (Server-Timing).
  function noteOfLoad() {
    var notes = (navigationEntry().serverTiming || []).filter(function (timing) {
      return timing.name === "redirection";
    });
    return notes.length ? notes[0].description : "";
  }

  /** Show the banners of ``answer`` in a tree of their own, which styles neither leave nor enter. */
  function hang(answer) {
    var place = answer.getElementById("legacy-banner-place");
    var stepBack = answer.getElementById("step-back-banner");
    if (!place) {
      return;
    }
    var style = new CSSStyleSheet();
    style.replaceSync(served.style);
    var host = document.createElement("portal-redirection");
    host.lang = answer.documentElement.lang;
    host.dir = answer.documentElement.dir;
    // Open: it hides nothing, and programs that check accessibility look into it.
    var root = host.attachShadow({ mode: "open" });
    var size = new CSSStyleSheet();
    root.adoptedStyleSheets = [style, size];
    var frame = root.appendChild(document.createElement("div"));
    frame.className = "frame";
    var banner = answer.getElementById("legacy-banner");
    frame.append.apply(frame, (stepBack ? [ours(stepBack)] : []).concat(ours(place)));
    root.getElementById("legacy-banner-place").replaceChildren();
    new ResizeObserver(function () {
      // As much room behind the end of the page as the frame covers of it.
      size.replaceSync(":host { block-size: " + frame.offsetHeight + "px !important }");
    }).observe(frame);
    // Beside the body: whatever a portal does to its body, and counts in it, is not disturbed.
    document.documentElement.append(host);
    keep(host);
    keepOffTheFocus(host, frame);
    var show = tend(root);
    // A screen reader reads what comes into a place it knows already.
    setTimeout(function () {
      show(banner);
    }, 100);
  }

  /** Hang the banner up once more where the portal has replaced everything; then it has the say. */
  function keep(host) {
    var observer = new MutationObserver(function () {
      if (!host.isConnected && document.documentElement) {
        observer.disconnect();
        document.documentElement.append(host);
      }
    });
    observer.observe(document, { childList: true });
    observer.observe(document.documentElement, { childList: true });
  }

  /** The banner lies over the page, at its end; never over the field somebody is in. */
  function keepOffTheFocus(host, frame) {
    document.addEventListener("focusin", function (event) {
      requestAnimationFrame(function () {
        var field = event.target === host ? null : event.target.getBoundingClientRect();
        var height = frame.offsetHeight;
        if (!field || !height) {
          return;
        }
        var isBelow = field.bottom > window.innerHeight - height;
        var isAbove = field.top < height;
        if (isBelow !== isAbove) {
          host.toggleAttribute("at-start", isBelow);
        }
      });
    });
  }

  if (!served) {
    var tendOwn = function () {
      afterParsing(function () {
        tend(document);
      });
    };
    // In the head nobody but the page has a say; further down its contents might have one.
    if (document.body) {
      tendOwn();
    } else {
      leaveOr(document.currentScript.dataset, tendOwn);
    }
  } else if (document.prerendering) {
    // Ahead of time nobody has opened a page.
    document.addEventListener("prerenderingchange", askForState, { once: true });
  } else {
    askForState();
  }
})();
