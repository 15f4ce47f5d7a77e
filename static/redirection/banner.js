/* The banner works without this; with it, links to feedback and to this page over there keep
 * the part behind "#", and closing the banner does not load the page again. */
(function () {
  "use strict";
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
  var banner = document.getElementById("legacy-banner");
  if (!banner) {
    return;
  }
  banner.addEventListener("submit", function (event) {
    event.preventDefault();
    var form = event.target;
    // It outlives the page: somebody may be on the way to the next one already.
    fetch(form.action, {
      method: "POST",
      body: new FormData(form),
      redirect: "manual",
      keepalive: true,
    });
    banner.remove();
    // The focus was on the button that is gone.
    var content = document.querySelector("main");
    if (content) {
      content.focus();
    }
  });
})();
