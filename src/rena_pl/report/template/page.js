"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const tip = document.getElementById("tip");
  const sheet = document.getElementById("sheet");
  const REACH = 16; // pixels around a point that belong to it
  const whole = new Intl.NumberFormat("en");
  const broken = new Intl.NumberFormat("en", { maximumSignificantDigits: 6 });
  const number = (value) => (Number.isInteger(value) ? whole : broken).format(value);
  const epochs = (count) => count + (count === 1 ? " epoch" : " epochs");
  const percent = (share) => (100 * share).toFixed(1) + "%";

  /** A new element with a class and a text. */
  const make = (tag, name, text) => {
    const element = document.createElement(tag);
    if (name) element.className = name;
    if (text !== undefined) element.textContent = text;
    return element;
  };

  // Light and dark.

  const root = document.documentElement;
  const theme = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  const nameTheme = () => (theme.textContent = (isDark() ? "Light" : "Dark") + " theme");
  theme.hidden = false;
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    nameTheme();
  });
  system.addEventListener("change", nameTheme);
  nameTheme();

  // What is known of a network.

  const runOf = (element) => data[element.closest("[data-run]").dataset.run];

  const outcome = (run, evaluation) => {
    if (evaluation.status === "infeasible") return "infeasible, not trained";
    if (evaluation.status === "failed") return "failed";
    return percent(evaluation.accuracy) + " validation " + run.metric;
  };

  const resources = (run, evaluation) =>
    run.entries
      .map((name, n) => [name, evaluation.profile[n], run.bounds[n]])
      .filter(([, use]) => use !== null);

  /** The layer types in a row, those that follow each other counted. */
  const chain = (run, network) => {
    const parts = [];
    for (const [kind] of network.layers) {
      const last = parts[parts.length - 1];
      if (last && last[0] === kind) last[1] += 1;
      else parts.push([kind, 1]);
    }
    return parts.map(([kind, count]) => run.words[kind] + (count > 1 ? " × " + count : "")).join(" → ");
  };

  const inShort = (run, evaluation) => {
    const bounded = resources(run, evaluation).filter(([, , bound]) => bound);
    const shown = bounded.length ? bounded : resources(run, evaluation).slice(0, 1);
    return [
      outcome(run, evaluation),
      evaluation.when + (evaluation.epochs ? ", " + epochs(evaluation.epochs) : ""),
      ...shown.map(([name, use]) => name + ": " + number(use)),
      chain(run, run.networks[evaluation.network]),
    ];
  };

  // The diagram of a network.

  const diagram = (run, network) => {
    const list = make("ol", "flow");
    const box = (title, shape, hyper, name) => {
      const item = make("li", name);
      item.append(make("b", "", title), make("span", "shape", shape));
      if (hyper) item.append(make("span", "hyper", hyper));
      list.append(item);
      return item;
    };
    const boxes = [box("input", run.input, "", "end")];
    network.layers.forEach(([kind, hyper, , shape], n) => {
      const title = n + 1 + "  " + run.words[kind];
      boxes.push(box(title, shape < 0 ? "" : run.words[shape], run.words[hyper], ""));
    });
    const repeated = network.skeleton;
    box(repeated ? "repeated by the skeleton" : "classifier", run.classes && !repeated ? run.classes + " classes" : "",
      repeated || "average over height and width, then linear", "end");
    const jumps = [];
    network.layers.forEach(([, , inputs], n) => {
      if (!inputs.includes(n)) boxes[n + 1].classList.add("apart");
      for (const source of inputs) if (source !== n) jumps.push([source, n + 1]);
    });
    if (jumps.length) list.classList.add("arcs");
    return { list, boxes, jumps };
  };

  /** Lines at the right of a diagram, from layers to those that read them from afar. */
  const connect = ({ list, boxes, jumps }) => {
    if (!jumps.length) return;
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("aria-hidden", "true");
    const ends = [];
    for (const [from, to] of jumps.sort((a, b) => a[1] - a[0] - (b[1] - b[0]))) {
      let lane = ends.findIndex((taken) => taken.every(([a, b]) => to <= a || from >= b));
      if (lane < 0) lane = ends.push([]) - 1;
      ends[lane].push([from, to]);
      const right = boxes[0].offsetWidth;
      const y1 = boxes[from].offsetTop + boxes[from].offsetHeight / 2 + 5;
      const y2 = boxes[to].offsetTop + boxes[to].offsetHeight / 2 - 5;
      const x = right + Math.min(48, 14 + 9 * lane);
      const curve = document.createElementNS(svg.namespaceURI, "path");
      curve.setAttribute("d",
        `M${right} ${y1}C${x} ${y1} ${x} ${y1} ${x} ${y1 + 10}V${y2 - 10}C${x} ${y2} ${x} ${y2} ${right} ${y2}m5 -4l-5 4l5 4`);
      svg.append(curve);
    }
    list.append(svg);
  };

  const words = (network, run) =>
    network.layers
      .map(([kind, , inputs], n) => n + 1 + " " + run.words[kind] + (inputs.length === 1 && inputs[0] === n ? "" : " reads " + inputs.map((i) => i || "input").join(" and ")))
      .join(", ");

  // The sheet with everything about one network.

  let opener = null;
  const open = (run, key, from) => {
    const evaluation = run.evaluations[key];
    if (!evaluation) return;
    const network = run.networks[evaluation.network];
    document.getElementById("sheet-name").textContent = "Network " + evaluation.network;
    const body = document.getElementById("sheet-body");
    body.replaceChildren(make("p", "", outcome(run, evaluation)));
    const trained = evaluation.epochs ? ", trained for " + epochs(evaluation.epochs) : "";
    const before = evaluation.trained > evaluation.epochs ? ", " + evaluation.trained + " with its ancestors" : "";
    body.append(make("p", "note", evaluation.when + trained + before + "; reward " + number(evaluation.reward)));
    if (evaluation.reason) body.append(make("p", "note", evaluation.reason));
    if (evaluation.changes.length) {
      body.append(make("h3", "", "What made it of its parent"));
      for (const change of evaluation.changes) body.append(make("p", "", change));
    }
    body.append(make("h3", "", "Layers"));
    const drawn = diagram(run, network);
    drawn.list.setAttribute("aria-label", "Layers: " + words(network, run));
    body.append(drawn.list, make("h3", "", "Resources"));
    const table = make("table");
    for (const [name, use, bound] of resources(run, evaluation)) {
      const row = table.insertRow();
      const head = make("th", "", name);
      head.scope = "row";
      row.append(head, make("td", "note", bound), make("td", "number", number(use)));
    }
    body.append(table);
    opener = from;
    hide();
    sheet.showModal();
    sheet.scrollTop = 0;
    connect(drawn);
  };
  document.getElementById("close").addEventListener("click", () => sheet.close());
  sheet.addEventListener("click", (event) => event.target === sheet && sheet.close());
  sheet.addEventListener("close", () => opener && opener.focus());

  // Points: hover or focus tells, a click or Enter opens, arrows go to the next.

  const hide = () => (tip.hidden = true);
  const show = (point) => {
    const run = runOf(point);
    const evaluation = run.evaluations[point.dataset.key];
    if (!evaluation) return;
    const [first, ...rest] = inShort(run, evaluation);
    tip.replaceChildren(make("strong", "", first), ...rest.map((text) => make("span", "", text)));
    tip.hidden = false;
    const at = point.getBoundingClientRect();
    const left = Math.min(Math.max(8, at.left + at.width / 2 - tip.offsetWidth / 2), innerWidth - tip.offsetWidth - 8);
    const above = at.top - tip.offsetHeight - 10;
    tip.style.left = left + "px";
    tip.style.top = (above > 60 ? above : at.bottom + 10) + "px";
  };

  for (const svg of document.querySelectorAll(".drawing svg")) {
    const points = [...svg.querySelectorAll("[data-key]")];
    points.forEach((point, n) => {
      point.setAttribute("role", "button");
      point.setAttribute("tabindex", n === points.length - 1 ? "0" : "-1");
      const run = runOf(point);
      const evaluation = run.evaluations[point.dataset.key];
      if (evaluation) point.setAttribute("aria-label", inShort(run, evaluation).join(", "));
    });
    if (!points.length) continue;
    let places = null; // of the points' middles, in the units of the drawing
    let near = null;
    const choose = (point) => {
      if (near) near.classList.remove("near");
      near = point;
      svg.classList.toggle("near-any", Boolean(point));
      if (!point) return hide();
      point.classList.add("near");
      show(point);
    };
    const nearest = (event) => {
      places ||= points.map((point) => {
        const box = point.getBBox();
        return [box.x + box.width / 2, box.y + box.height / 2];
      });
      const frame = svg.getBoundingClientRect();
      const unit = svg.viewBox.baseVal.width / frame.width;
      const [x, y] = [(event.clientX - frame.left) * unit, (event.clientY - frame.top) * unit];
      let found = null;
      let least = REACH * unit;
      places.forEach(([px, py], n) => {
        const far = Math.hypot(px - x, py - y);
        if (far <= least) [found, least] = [points[n], far];
      });
      return found;
    };
    svg.addEventListener("pointermove", (event) => choose(nearest(event)));
    svg.addEventListener("pointerleave", () => choose(null));
    svg.addEventListener("click", (event) => {
      const point = nearest(event);
      if (point) open(runOf(point), point.dataset.key, point);
      event.stopPropagation();
    });
  }

  // Listened to above the drawings: browsers put an SVG that listens to focus into the tab order.
  const asPoint = (element) => (element.closest(".drawing [data-key]") ? element : null);
  const go = (from, by) => {
    const place = (point) => point.getBoundingClientRect().left;
    const points = [...from.ownerSVGElement.querySelectorAll("[data-key]")];
    points.sort((a, b) => place(a) - place(b));
    const next = points[(points.indexOf(from) + by + points.length) % points.length];
    from.setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
  };
  document.addEventListener("focusin", (event) => asPoint(event.target) && show(event.target));
  document.addEventListener("focusout", hide);
  document.addEventListener("keydown", (event) => {
    const point = asPoint(event.target);
    if (!point) return;
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (by) go(point, by);
    else if (event.key === "Escape") hide();
    else if (event.key === "Enter" || event.key === " ") open(runOf(point), point.dataset.key, point);
    else return;
    event.preventDefault();
  });
  addEventListener("scroll", hide, { passive: true });
  document.addEventListener("click", (event) => {
    const asked = event.target.closest("[data-key]");
    if (asked) open(runOf(asked), asked.dataset.key, asked);
  });

  for (const place of document.querySelectorAll("[data-diagram]")) {
    const run = runOf(place);
    const evaluation = run.evaluations[place.dataset.diagram];
    if (!evaluation) continue;
    const drawn = diagram(run, run.networks[evaluation.network]);
    place.append(drawn.list);
    connect(drawn);
  }
})();
