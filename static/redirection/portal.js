/* First script of every legacy page: a tab opened after the switch goes on to the destination.
 *
 * sessionStorage belongs to a tab. The moment of the tab's first legacy page is kept there, by
 * the server's clock, and compared with the moment of the switch. It holds no rules: the
 * hand-over page knows where a page lives now, and the server counts. */
(function () {
  "use strict";
  var KEY = "redirection.tab-began";
  var page = document.currentScript.dataset;
  var began;
  try {
    began = sessionStorage.getItem(KEY);
    if (began === null) {
      began = page.now;
      sessionStorage.setItem(KEY, began);
    }
  } catch (storageIsBlocked) {
    // Which tab this is cannot be known, and nobody is ejected on a guess.
    began = null;
  }
  var fragment = location.hash.slice(0, 2000);

  // Only the browser knows the part behind "#"; the server counts the page it means.
  function tell(movedOn) {
    var loads = window.performance && performance.getEntriesByType("navigation");
    var load = (loads && loads[0]) || {};
    if (load.type === "back_forward" && load.transferSize === 0) {
      // From the browser's own cache: the server has not counted it.
      return;
    }
    navigator.sendBeacon(
      page.pageSeen,
      new URLSearchParams({
        path: location.pathname.slice(0, 1000),
        fragment: fragment,
        moved_on: movedOn ? "1" : "",
        counted: load.responseStatus >= 400 ? "" : "1",
      })
    );
  }

  if (began !== null && page.since && Number(began) >= Number(page.since)) {
    // Nothing of the legacy page is shown while the browser leaves it.
    document.documentElement.hidden = true;
    try {
      tell(true);
    } finally {
      location.replace(page.handOver + location.hash);
    }
  } else if (page.shell !== undefined || fragment) {
    window.addEventListener("load", function () {
      tell(false);
    });
  }
})();
