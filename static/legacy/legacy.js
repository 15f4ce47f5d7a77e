/* The sample portal's own routing. Without it, sections open by their plain address; with it
 * also those with filters or an id behind them. */
(function () {
  "use strict";
  var sections = document.querySelectorAll(".route");
  var arrived = document.getElementById("arrived");

  function sectionOf(route) {
    var parts = route.toLowerCase().split("/").filter(Boolean);
    for (var length = parts.length; length > 0; length -= 1) {
      var found = document.getElementById("/" + parts.slice(0, length).join("/"));
      if (found && found.classList.contains("route")) {
        return { element: found, rest: parts.length > length };
      }
    }
    return null;
  }

  function show(moveFocus) {
    var hash = location.hash.replace(/^#!?/, "");
    var found = sectionOf(hash.split("?")[0]);
    if (!found) {
      return;
    }
    document.documentElement.classList.add("scripted");
    sections.forEach(function (section) {
      section.classList.toggle("current", section === found.element);
    });
    list(hash, found);
    var heading = found.element.querySelector("h1");
    document.title = heading.textContent + document.title.slice(document.title.lastIndexOf(" - "));
    if (moveFocus) {
      heading.focus();
    }
    scrollTo(0, 0);
  }

  function list(hash, found) {
    var query = hash.indexOf("?") < 0 ? "" : hash.slice(hash.indexOf("?") + 1);
    var items = query.split("&").filter(Boolean).map(function (part) {
      return part.replace("=", " = ");
    });
    if (found.rest) {
      var path = hash.split("?")[0];
      items.unshift("id = " + path.slice(found.element.id.length + 1));
    }
    arrived.hidden = items.length === 0;
    arrived.querySelector("ul").replaceChildren.apply(
      arrived.querySelector("ul"),
      items.map(function (text) {
        var item = document.createElement("li");
        item.appendChild(document.createElement("code")).textContent = text;
        return item;
      })
    );
  }

  if (sections.length) {
    addEventListener("hashchange", function () { show(true); });
    show(false);
    document.querySelector(".legacy-menu").addEventListener("click", function (event) {
      if (event.target.closest("a")) {
        document.querySelectorAll(".legacy-menu details[open]").forEach(function (menu) {
          menu.open = false;
        });
      }
    });
    document.getElementById("note-form").addEventListener("submit", function (event) {
      // The browser carries the part behind "#" through the answer.
      event.target.action = event.target.action.split("#")[0] + location.hash;
    });
    document.getElementById("call").addEventListener("click", function () {
      var answer = document.getElementById("answer");
      fetch("/api/v1/alerts/")
        .then(function (response) { return response.text(); })
        .then(function (text) { answer.textContent = text; })
        .catch(function () { answer.textContent = answer.dataset.failed; });
    });
  }

  document.querySelectorAll(".languages").forEach(function (form) {
    form.addEventListener("submit", function () {
      form.elements.next.value = form.elements.next.value.split("#")[0] + location.hash;
    });
  });

  document.querySelectorAll(".js-keep-fragment, .js-sign-in").forEach(function (link) {
    link.addEventListener("click", function () {
      if (link.classList.contains("js-keep-fragment")) {
        link.hash = location.hash;
      } else {
        link.href = link.href.replace(/([?&]next=)[^&]*/, function (all, start) {
          return start + encodeURIComponent(location.pathname + location.search + location.hash);
        });
      }
    });
  });
})();
