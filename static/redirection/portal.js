/* First script of every legacy page: a tab opened after the switch goes on to the destination.
 *
 * sessionStorage belongs to a tab and a host. The moment of the tab's first legacy page is kept
 * there, by the server's clock, and compared with the moment of the switch. It holds no rules:
 * the hand-over page knows where a page lives now, and the server counts. */
(function () {
  "use strict";
  if (window.top !== window) {
    // A frame is no tab.
    return;
  }
  var KEY = "redirection.tab-began";
  var page = document.currentScript.dataset;
  var moves = page.go !== undefined;
  try {
    // From another host of the same organisation, where the tab was already: it carries on,
    // even if it was here before, as late as after the switch.
    var carriesOn = page.carriesOn !== undefined && (history.length > 1 || window.opener);
    var began = carriesOn ? "0" : sessionStorage.getItem(KEY) || page.now;
    moves = moves || (page.since !== undefined && Number(began) >= Number(page.since));
    if (!moves) {
      sessionStorage.setItem(KEY, began);
    }
  } catch (storageIsBlocked) {
    // Which tab this is cannot be known, and nobody is ejected on a guess.
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
        counted: page.counted === undefined || load.responseStatus >= 400 ? "" : "1",
      })
    );
  }

  if (moves) {
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
