"use strict";
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const LINKS = 3, SATELLITES = 6; // places of the traces that move, as earth.space puts them
const PRINTED_PX = 680;
const OPTIONS = { responsive: true, displayModeBar: false };

function complain(error) {
  const place = document.getElementById("trouble");
  place.hidden = false;
  place.textContent = `The plots cannot be drawn here: ${error.message || error}`;
  console.error(error);
}

async function loadPlotly() {
  const packed = Uint8Array.from(atob(document.getElementById("plotly").textContent), (sign) => sign.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(unpacked).text();
  document.head.append(script);
}

function lastBefore(times, t) {
  let found = 0;
  while (found + 1 < times.length && times[found + 1] <= t) found += 1;
  return found;
}

class Sky {
  constructor(mission) {
    this.mission = mission;
    this.count = mission.km.length;
  }

  place(node, step) {
    return node < this.count ? this.mission.km[node].slice(3 * step, 3 * step + 3) : this.mission.stations_km[node - this.count];
  }

  // Pairs of a flat list of a, b, start, end that are open within [from, to).
  open(list, from, to) {
    const pairs = [];
    for (let at = 0; at < list.length; at += 4) {
      if (list[at + 2] < to && list[at + 3] >= from) pairs.push([list[at], list[at + 1]]);
    }
    return pairs;
  }

  strokes(pairs, step) {
    const xyz = [[], [], []];
    for (const [a, b] of pairs) {
      const ends = [this.place(a, step), this.place(b, step), [null, null, null]];
      for (const end of ends) xyz.forEach((column, axis) => column.push(end[axis]));
    }
    return xyz;
  }

  satellites(step) {
    const places = this.mission.km.map((path) => path.slice(3 * step, 3 * step + 3));
    return [0, 1, 2].map((axis) => places.map((place) => place[axis]));
  }

  // x, y and z of the traces that move, at a step, and what the clock says.
  at(step) {
    const { t_s: times, windows, updates, epoch_ms: epoch } = this.mission;
    const now = times[step], next = now + times[1] - times[0];
    const open = this.open(windows, now, now + 1);
    const [isl, ground] = [true, false].map((wanted) => open.filter((pair) => pair[1] < this.count === wanted));
    const used = this.open(updates, now, next);
    const label = new Date(epoch + 1000 * now).toISOString().slice(0, 19).replace("T", " ");
    return {
      traces: [this.strokes(isl, step), this.strokes(ground, step), this.strokes(used, step), this.satellites(step)],
      clock: `${(now / 3600).toFixed(2)} h, ${label} UTC, ${open.length} windows open`,
    };
  }

  scores(step) {
    return this.mission.scores[lastBefore(this.mission.scored_s, this.mission.t_s[step])];
  }
}

function moving(sky) {
  const slider = document.getElementById("moment"), play = document.getElementById("play");
  let drawing = false, running = 0;
  slider.max = sky.mission.t_s.length - 1;
  async function show() {
    if (drawing) return;
    drawing = true;
    const step = Number(slider.value), { traces, clock } = sky.at(step);
    document.getElementById("clock").value = clock;
    const [x, y, z] = [0, 1, 2].map((axis) => traces.map((trace) => trace[axis]));
    const places = traces.map((_, place) => LINKS + place);
    await Plotly.restyle("space", { x, y, z }, places);
    await Plotly.restyle("space", { "marker.color": [sky.scores(step)] }, [SATELLITES]);
    drawing = false;
    if (Number(slider.value) !== step) await show();
  }
  function advance() {
    slider.value = Number(slider.value) >= Number(slider.max) ? 0 : Number(slider.value) + 1;
    show();
  }
  slider.addEventListener("input", show);
  play.addEventListener("click", () => {
    clearInterval(running);
    running = running ? 0 : setInterval(advance, 120);
    play.textContent = running ? "⏸" : "▶";
  });
  return show();
}

async function draw() {
  await loadPlotly();
  const plots = read("plots");
  for (const [id, { data, layout }] of Object.entries(plots)) await Plotly.newPlot(id, data, layout, OPTIONS);
  const mission = read("mission");
  if (mission) await moving(new Sky(mission));
  else document.getElementById("time")?.remove();
  const resize = (width) => Object.keys(plots).forEach((id) => Plotly.relayout(id, width));
  addEventListener("beforeprint", () => resize({ width: PRINTED_PX }));
  addEventListener("afterprint", () => resize({ width: null, autosize: true }));
  document.documentElement.dataset.plots = Object.keys(plots).length;
}

draw().catch(complain);
