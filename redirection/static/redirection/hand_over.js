/* Adds the part behind "#", which only the browser knows, and sends the form. The server maps. */
(function () {
  "use strict";
  var form = document.getElementById("hand-over");
  form.elements.fragment.value = location.hash;
  form.submit();
})();
