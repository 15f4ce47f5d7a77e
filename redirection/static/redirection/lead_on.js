/* Leads on at once and takes along the part behind "#", which a redirect would have kept. */
(function () {
  "use strict";
  var link = document.getElementById("lead-on");
  var address = new URL(link.href);
  // A part that the address brings itself counts, as it does in a redirect.
  address.hash = address.hash || location.hash;
  link.href = address.href;
  location.replace(address.href);
})();
