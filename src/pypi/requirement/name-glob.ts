/** A glob on names as PEP 503 normalizes them: any spelling of what is between its signs is the same. */
export function foldGlob(glob: string): string {
  return glob.toLowerCase().replace(/[-_.]+/g, '-');
}

/** `*` for any characters, `?` for one. One return to the last `*` alone: time is bounded by the product of both lengths. */
export function matchesGlob(glob: string, text: string): boolean {
  let at = 0;
  let inText = 0;
  let star = -1;
  let retry = 0;
  while (inText < text.length) {
    const sign = glob[at];
    if (sign === '*') {
      star = at++;
      retry = inText;
    } else if (sign === '?' || sign === text[inText]) {
      at++;
      inText++;
    } else if (star >= 0) {
      at = star + 1;
      inText = ++retry;
    } else return false;
  }
  while (glob[at] === '*') at++;
  return at === glob.length;
}
