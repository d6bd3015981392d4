/**
 * One look for all pages. Four colours mean something: the accent is what can be followed; green is what holds, amber what somebody should
 * look at, red what was refused or is not served. Each stands beside a word that says the same.
 */
export const STYLE = [
  ':root{color-scheme:light dark;--paper:#fbfaf6;--card:#fff;--ink:#1f1d1a;--soft:#5d5850;--line:#ddd8cd;--accent:#0b5a86;--good:#1c6a3e;--warn:#8a5000;--bad:#a5241c}',
  '@media(prefers-color-scheme:dark){:root{--paper:#171614;--card:#1f1e1b;--ink:#ebe7df;--soft:#aca598;--line:#3a3732;--accent:#86c5ee;--good:#7fcb9c;--warn:#e6b566;--bad:#f3988d}}',
  '*{box-sizing:border-box}',
  'body{margin:0;background:var(--paper);color:var(--ink);font:1.0625rem/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif;overflow-wrap:break-word;-webkit-text-size-adjust:100%}',
  'header,main,footer{max-width:50rem;margin:0 auto;padding:0 1.25rem}',
  'header{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;align-items:baseline;padding-top:1.5rem;padding-bottom:1.25rem}',
  '.mark{font:italic 600 1.25rem/1.2 Charter,"Iowan Old Style",Georgia,"Liberation Serif",serif;margin-right:auto}',
  'header a,.mark{color:var(--ink);text-decoration:none;padding:.3rem 0}nav{display:flex;flex-wrap:wrap;gap:0 1.5rem}',
  'header a:hover{text-decoration:underline}header [aria-current]{text-decoration:underline;text-decoration-color:var(--accent);text-decoration-thickness:2px;text-underline-offset:.4em}',
  'main{padding-bottom:3rem}',
  'h1{font:500 clamp(1.7rem,1.2rem + 2.6vw,2.6rem)/1.2 Charter,"Iowan Old Style",Georgia,"Liberation Serif",serif;letter-spacing:-.01em;margin:1.75rem 0 .75rem;text-wrap:balance}',
  'h2{font:500 1.5rem/1.25 Charter,"Iowan Old Style",Georgia,"Liberation Serif",serif;margin:3.25rem 0 .75rem}',
  'h3{font-size:1.0625rem;line-height:1.4;margin:1.75rem 0 .35rem}',
  'p{margin:0 0 .85rem;max-width:42rem}.lead{font-size:1.2rem;line-height:1.5}.soft{color:var(--soft)}small,.small{font-size:.9rem}',
  'a{color:var(--accent);text-underline-offset:.18em;text-decoration-thickness:1px}a:hover{text-decoration-thickness:2px}',
  ':focus-visible{outline:3px solid var(--accent);outline-offset:3px;border-radius:2px}',
  '.skip{position:absolute;left:-999rem}.skip:focus{left:1rem;top:.5rem;background:var(--paper);padding:.5rem 1rem;z-index:1}',
  'code,pre{overflow-wrap:anywhere;font:.9em/1.55 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}',
  'pre{margin:.35rem 0 1.1rem;padding:.8rem 1rem;background:var(--card);border:1px solid var(--line);border-radius:6px;white-space:pre-wrap}',
  '.good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}.good,.warn,.bad{font-weight:600}',
  '.state::before{content:"";display:inline-block;width:.62em;height:.62em;border-radius:50%;background:currentColor;margin-right:.45em;vertical-align:.03em}.warn.state::before{border-radius:1px;transform:rotate(45deg) scale(.9)}.bad.state::before{border-radius:1px}',
  '.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(7.5rem,1fr));gap:1.25rem 1.5rem;margin:1.75rem 0 0;padding:1.25rem 0;border:solid var(--line);border-width:1px 0}.facts div{display:flex;flex-direction:column-reverse;justify-content:flex-end}.facts dt{color:var(--soft);font-size:.9rem;line-height:1.4}.facts dd{margin:0;font:500 1.45rem/1.25 Charter,"Iowan Old Style",Georgia,"Liberation Serif",serif}',
  'ul,ol{padding-left:1.25rem;margin:0 0 1rem}li{margin:.2rem 0}.list{list-style:none;padding:0}.list>li{padding:.85rem 0;border-top:1px solid var(--line);margin:0}.list>li:last-child{border-bottom:1px solid var(--line)}.list p{margin:.1rem 0}',
  '.to-do{border-left:3px solid var(--warn);padding:.1rem 0 .1rem 1rem;margin:1rem 0}.to-do.is-bad{border-color:var(--bad)}.to-do p{margin:.15rem 0}',
  'table{border-collapse:collapse;width:100%;font-size:.95rem;line-height:1.45}caption{text-align:left;color:var(--soft);font-size:.9rem;padding:.4rem 0}th,td{text-align:left;vertical-align:top;padding:.5rem 1rem .5rem 0;border-top:1px solid var(--line)}thead th{border-top:0;color:var(--soft);font-weight:500;font-size:.9rem}tbody th{font-weight:600}th small{font-weight:400}td,th{overflow-wrap:break-word}.hash{word-break:break-all}.nb{white-space:nowrap}',
  'details{margin:.5rem 0}summary{cursor:pointer;color:var(--accent);padding:.25rem 0}',
  'svg{display:block;max-width:100%;height:auto}svg text{font:13px system-ui,"Segoe UI",Roboto,"Liberation Sans",sans-serif;fill:var(--ink)}svg .name{font-weight:600;font-size:14px}svg .note{fill:var(--soft);font-size:12px}svg .box{fill:var(--card);stroke:var(--line);stroke-width:1.5}svg .is-warn{stroke:var(--warn);stroke-width:2}svg .is-bad{stroke:var(--bad);stroke-width:2}svg .line{fill:none;stroke:var(--soft);stroke-width:1.5}svg .key{fill:none;stroke:var(--soft);stroke-width:1.5}svg .signed{fill:var(--good);stroke:var(--good)}svg .full{fill:var(--soft)}svg .open{fill:var(--card);stroke:var(--soft)}svg .bar.bad{fill:var(--bad)}.charts{display:flex;flex-wrap:wrap;gap:1.25rem 2rem;margin:1rem 0}',
  '.index,.tools{display:grid;gap:0 2.5rem;align-items:start}.index{gap:1.25rem 2.5rem;margin:1.25rem 0}h1+.lead+.index,.index h2{margin-top:0}@media(min-width:44rem){.index{grid-template-columns:20rem 1fr}.tools{grid-template-columns:1fr 1fr}}',
  'form{display:flex;flex-wrap:wrap;gap:.6rem;margin:1rem 0 1.5rem;align-items:end}label{display:block;font-size:.9rem;color:var(--soft)}input,select,button{font:inherit;color:inherit;background:var(--card);border:1px solid var(--soft);border-radius:6px;padding:.45rem .75rem;min-height:2.75rem;max-width:100%}button{cursor:pointer;border-color:var(--accent);color:var(--accent)}',
  'footer{color:var(--soft);font-size:.9rem;border-top:1px solid var(--line);padding-top:1rem;padding-bottom:2.5rem}',
  '@media(max-width:40rem){.stack thead{position:absolute;left:-999rem}.stack tr{display:block;border-top:1px solid var(--line);padding:.6rem 0}.stack th,.stack td{display:block;border:0;padding:.1rem 0}.stack td[data-of]::before{content:attr(data-of) ": ";color:var(--soft)}}',
  '@media(forced-colors:active){.state::before{background:CanvasText;forced-color-adjust:none}svg text,svg .note{fill:CanvasText}svg .box{fill:Canvas;stroke:CanvasText}svg .line,svg .key{stroke:CanvasText}svg .signed,svg .full,svg .bar.bad{fill:CanvasText}svg .open{fill:Canvas;stroke:CanvasText}button{border-color:ButtonText}}',
  '@media(prefers-reduced-motion:no-preference){html{scroll-behavior:smooth}}',
  '@media print{:root{--paper:#fff;--card:#fff;--ink:#000;--soft:#333;--line:#999;--accent:#000;--good:#000;--warn:#000;--bad:#000}header nav,form,.skip{display:none}body{font-size:10pt}main a[href^="http"]::after{content:" (" attr(href) ")"}h2,h3,tr,svg{break-inside:avoid}}',
].join('\n');

/** The mark in a browser's tab: a page with a line that holds. It lies in the page itself, so that nothing is asked for. */
export const ICON =
  'data:image/svg+xml,%3Csvg xmlns=%22http://www.w3.org/2000/svg%22 viewBox=%220 0 16 16%22%3E%3Crect width=%2216%22 height=%2216%22 rx=%223%22 fill=%22%230b5a86%22/%3E%3Cpath d=%22M4 8l3 3 5-6%22 fill=%22none%22 stroke=%22%23fff%22 stroke-width=%222%22/%3E%3C/svg%3E';
