/* Keeps what somebody types into the feedback form in this tab, until it is sent: a store that
 * is down, or a page closed by mistake, loses nothing. The form works without it.
 *
 * A draft belongs to one person, one organisation and one page, which the server names; another
 * person in the same tab never sees it, and removes it. */
(function () {
  "use strict";
  var KEY = "redirection.feedback-draft";
  var NAMES = ["kind", "text", "rating", "may_contact"];

  function stored() {
    try {
      return JSON.parse(sessionStorage.getItem(KEY)) || {};
    } catch (unreadable) {
      return {};
    }
  }

  function store(draft) {
    try {
      if (draft) {
        sessionStorage.setItem(KEY, JSON.stringify(draft));
      } else {
        sessionStorage.removeItem(KEY);
      }
    } catch (storageIsBlocked) {
      // Then there is no draft.
    }
  }

  if (document.getElementById("feedback-sent") && stored().sent) {
    store(null);
  }

  var form = document.getElementById("feedback-form");
  if (!form) {
    return;
  }
  var text = form.elements.namedItem("text");
  var owner = form.dataset.owner;

  function keep(sent) {
    if (!owner) {
      // The page of a store that is down knows nobody: what was kept before stays.
      return;
    }
    var typed = {};
    new FormData(form).forEach(function (value, name) {
      if (NAMES.indexOf(name) >= 0) {
        typed[name] = value;
      }
    });
    store({ owner: owner, page: form.dataset.page, typed: typed, sent: sent });
  }

  function fill(typed) {
    NAMES.forEach(function (name) {
      form.querySelectorAll("[name=" + name + "]").forEach(function (field) {
        if (field === text) {
          field.value = typed.text || "";
        } else {
          field.checked = field.value === (typed[name] || "");
        }
      });
    });
  }

  var draft = stored();
  if (owner && draft.owner && draft.owner !== owner) {
    store(null);
  } else if (owner && draft.page === form.dataset.page && draft.typed && draft.typed.text) {
    // What the server gives back is newer.
    if (!text.value) {
      fill(draft.typed);
      document.getElementById("draft").hidden = false;
    }
  }

  form.addEventListener("input", function () {
    keep(false);
  });
  form.addEventListener("submit", function () {
    keep(true);
  });

  // A file that is too large would travel in vain, and be refused by a proxy that keeps no word.
  var picture = form.elements.namedItem("screenshot");
  picture.addEventListener("change", function () {
    var file = picture.files[0];
    var isTooLarge = file && file.size > Number(picture.dataset.mostBytes);
    picture.setCustomValidity(isTooLarge ? picture.dataset.tooLarge : "");
    picture.reportValidity();
  });

  text.addEventListener("keydown", function (event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  document.getElementById("send-keys").hidden = false;
})();
