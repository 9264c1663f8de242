"""The look of a page, and the little that it does by itself. Nothing is fetched."""

STYLE = """
:root{--bg:#f6f7f9;--card:#fff;--text:#1c2430;--dim:#5d6878;--line:#dde2e9;--island:#0b7a75;
  --island-bg:#e3f4f2;--gpu:#8a6d1f;--gpu-bg:#fbf3dc;--cpu:#b3402e;--cpu-bg:#fde9e5;--crossing:#c07a00;
  --bar:#0b7a75;color-scheme:light dark}
@media(prefers-color-scheme:dark){:root{--bg:#12161c;--card:#1a2029;--text:#e4e8ee;--dim:#98a3b3;
  --line:#303947;--island:#4fc3b8;--island-bg:#12332f;--gpu:#d9b95c;--gpu-bg:#332b14;--cpu:#f08a78;
  --cpu-bg:#3a1d18;--crossing:#e0a33a;--bar:#2c9d93}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:14px/1.5 system-ui,-apple-system,"Segoe UI",
  Roboto,sans-serif}
main{max-width:1240px;margin:0 auto;padding:28px 24px 60px}
h1{font-size:24px;margin:0;overflow-wrap:anywhere}
h2{font-size:17px;margin:0 0 12px}
p{margin:6px 0}
.dim{color:var(--dim)}
code{font:12px/1.4 ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere}
section,.verdict{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:18px 20px;
  margin-top:18px}
.verdict b{font-size:20px}
.meter{height:10px;border-radius:5px;background:var(--cpu-bg);overflow:hidden;margin-top:10px}
.meter i{display:block;height:100%;background:var(--bar)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:14px;margin-top:18px}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:12px 16px}
.card b{display:block;font-size:22px;line-height:1.3}
.card span{color:var(--dim);font-size:13px}
.columns{display:grid;grid-template-columns:minmax(0,auto) minmax(420px,1fr);gap:20px;align-items:start}
@media(max-width:820px){.columns{grid-template-columns:1fr}}
.scroll{overflow:auto;max-height:78vh}
.legend{display:flex;gap:18px;flex-wrap:wrap;margin:0 0 12px;color:var(--dim)}
.legend i{display:inline-block;width:12px;height:12px;border-radius:3px;margin-right:6px;
  vertical-align:-1px;border:1px solid}
table{border-collapse:collapse;width:100%}
th{white-space:nowrap;font-weight:600;color:var(--dim);text-align:left;font-size:12px}
th,td{padding:7px 10px 7px 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
tr:last-child td{border-bottom:0}
td.n,th.n{text-align:right;white-space:nowrap;padding-right:18px;width:1%}
td.op{white-space:nowrap;width:1%;padding-right:18px}
td.names{width:26%}
.advice{color:var(--island)}
.bar{display:block;height:8px;border-radius:4px;background:var(--bar);min-width:2px;margin-top:7px}
details.more{display:inline}
details.more>summary{display:inline;cursor:pointer;color:var(--dim);margin-left:6px}
.overview{display:block}
.overview path{fill:none;stroke:var(--dim);stroke-width:1.4;opacity:.7}
.overview path.crossing{stroke:var(--crossing);stroke-width:1.8;opacity:1}
.overview text{font-size:11.5px;fill:var(--dim)}
.overview text.t{font-size:13px;font-weight:600;fill:var(--text)}
.overview rect{stroke-width:1.4}
.overview a:hover rect,.overview a:focus rect{stroke-width:2.6}
.overview .island rect,i.island{fill:var(--island-bg);stroke:var(--island);background:var(--island-bg);
  border-color:var(--island)}
.overview .gpu rect,i.gpu{fill:var(--gpu-bg);stroke:var(--gpu);background:var(--gpu-bg);
  border-color:var(--gpu)}
.overview .cpu rect,i.cpu{fill:var(--cpu-bg);stroke:var(--cpu);background:var(--cpu-bg);
  border-color:var(--cpu)}
i.crossing{background:var(--crossing);border-color:var(--crossing);border-radius:0}
details.block{border:1px solid var(--line);border-left:5px solid;border-radius:8px;margin-bottom:10px;
  overflow:hidden}
details.block.island{border-left-color:var(--island)}
details.block.gpu{border-left-color:var(--gpu)}
details.block.cpu{border-left-color:var(--cpu)}
details.block:target{box-shadow:0 0 0 2px var(--crossing)}
details.block>summary{cursor:pointer;padding:8px 12px;font-weight:600}
summary .dim{font-weight:400;margin-left:8px}
.nodes{display:flex;padding:2px 12px 10px}
.lanes{flex:none}
.lanes path{fill:none;stroke:var(--dim);stroke-width:1.3;opacity:.65}
.lanes .island{fill:var(--island)}
.lanes .gpu{fill:var(--gpu)}
.lanes .cpu{fill:var(--cpu)}
.lanes .crossing{fill:var(--crossing)}
.rows{flex:1;min-width:0}
.rows div{height:22px;line-height:22px;display:flex;gap:12px;white-space:nowrap}
.rows div>*{overflow:hidden;text-overflow:ellipsis}
.rows b{font-weight:600;flex:0 0 auto;max-width:46%}
.rows code{flex:1 1 0;min-width:60px;line-height:22px;color:var(--dim)}
.rows span{flex:0 1 auto;max-width:40%;color:var(--dim);font-size:12px}
.rows span.w{flex:none;width:64px;text-align:right}
.rows div.hit{background:var(--gpu-bg)}
input{font:inherit;padding:6px 10px;border:1px solid var(--line);border-radius:8px;background:var(--bg);
  color:inherit;width:min(340px,100%)}
.tools{display:flex;gap:12px;margin-bottom:12px;flex-wrap:wrap;align-items:center}
button{font:inherit;padding:6px 12px;border:1px solid var(--line);border-radius:8px;background:var(--bg);
  color:inherit;cursor:pointer}
footer{color:var(--dim);margin-top:24px}
"""

SCRIPT = """
(function () {
  var blocks = Array.from(document.querySelectorAll('details.block'));
  var find = document.getElementById('find'), found = document.getElementById('found');
  var all = document.getElementById('all');
  function show(id) {
    var block = document.getElementById(id);
    if (block && block.tagName === 'DETAILS') block.open = true;
  }
  function look() {
    var text = find.value.trim().toLowerCase(), count = 0;
    blocks.forEach(function (block) {
      var hits = 0;
      block.querySelectorAll('.rows div').forEach(function (row) {
        var hit = text !== '' && row.textContent.toLowerCase().indexOf(text) >= 0;
        row.classList.toggle('hit', hit);
        hits += hit ? 1 : 0;
      });
      block.open = block.open || hits > 0;
      count += hits;
    });
    found.textContent = text === '' ? '' : count + (count === 1 ? ' node' : ' nodes');
  }
  addEventListener('hashchange', function () { show(location.hash.slice(1)); });
  show(location.hash.slice(1));
  document.querySelectorAll('svg.overview a').forEach(function (a) {
    a.addEventListener('click', function () { show(a.getAttribute('href').slice(1)); });
  });
  if (find) find.addEventListener('input', look);
  if (all) all.addEventListener('click', function () {
    var open = blocks.some(function (block) { return !block.open; });
    blocks.forEach(function (block) { block.open = open; });
  });
})();
"""
