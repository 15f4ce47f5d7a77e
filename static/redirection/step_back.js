/* Ending a step back works without this; with it the part behind "#" comes along: the browser
 * carries it from the address of the form through every answer. */
(function () {
  "use strict";
  document.querySelectorAll(".js-end-step-back").forEach(function (form) {
    form.addEventListener("submit", function () {
      form.action = form.action.split("#")[0] + location.hash;
    });
  });
})();
