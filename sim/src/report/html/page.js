(function () {
  var all = [].slice.call(document.querySelectorAll('svg.t'));
  if (!all.length) return;
  var W = 1e6, x = 0, w = W, said = document.getElementById('range');
  var end = Number(document.body.dataset.end);
  function time(part) {
    var ns = end * part / W;
    return ns >= 1e6 ? (ns / 1e6).toFixed(3) + ' ms' : (ns / 1e3).toFixed(2) + ' µs';
  }
  function draw() {
    w = Math.min(W, Math.max(20, w));
    x = Math.min(W - w, Math.max(0, x));
    all.forEach(function (svg) {
      svg.setAttribute('viewBox', x + ' 0 ' + w + ' ' + svg.dataset.h);
    });
    said.textContent = time(x) + ' to ' + time(x + w);
  }
  function zoom(by, at) {
    var to = Math.min(W, w * by);
    x += (w - to) * at;
    w = to;
    draw();
  }
  all.forEach(function (svg) {
    var held = null;
    svg.addEventListener('wheel', function (e) {
      if (!e.ctrlKey && !e.shiftKey) return;
      e.preventDefault();
      var box = svg.getBoundingClientRect();
      zoom(e.deltaY > 0 || e.deltaX > 0 ? 1.25 : 0.8, (e.clientX - box.left) / box.width);
    }, { passive: false });
    svg.addEventListener('pointerdown', function (e) { held = e.clientX; });
    window.addEventListener('pointermove', function (e) {
      if (held === null) return;
      x -= (e.clientX - held) * w / svg.getBoundingClientRect().width;
      held = e.clientX;
      draw();
    });
    window.addEventListener('pointerup', function () { held = null; });
  });
  function on(id, what) { document.getElementById(id).addEventListener('click', what); }
  on('in', function () { zoom(0.5, 0.5); });
  on('out', function () { zoom(2, 0.5); });
  on('left', function () { x -= w / 3; draw(); });
  on('right', function () { x += w / 3; draw(); });
  on('whole', function () { x = 0; w = W; draw(); });
  draw();
})();
