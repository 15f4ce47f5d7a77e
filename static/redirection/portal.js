/* First script of every legacy page: a tab opened after the switch goes on to the destination.
 *
 * sessionStorage belongs to a tab. The moment of the tab's first legacy page is kept there, by
 * the server's clock, and compared with the moment of the switch. It holds no rules: the
 * hand-over page knows where a page lives now. */
(function () {
  "use strict";
  var KEY = "redirection.tab-began";
  var script = document.currentScript;
  var page = script.dataset;
  var began;
  try {
    began = sessionStorage.getItem(KEY);
    if (began === null) {
      began = page.now;
      sessionStorage.setItem(KEY, began);
    }
  } catch (storageIsBlocked) {
    // Which tab this is cannot be known, and nobody is ejected on a guess.
    return;
  }
  if (page.since && Number(began) >= Number(page.since)) {
    // Nothing of the legacy page is shown while the browser leaves it.
    document.documentElement.hidden = true;
    location.replace(page.handOver + location.hash);
  }
})();
