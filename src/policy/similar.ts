/** True where one slip makes one name of the other: a character more, less, other or changed with its neighbour, or other separators. */
export function isSimilar(one: string, other: string): boolean {
  if (one === other) return false;
  const [a, b] = [one.replaceAll('-', ''), other.replaceAll('-', '')];
  return a === b || isOneSlip(a, b);
}

function isOneSlip(a: string, b: string): boolean {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  const [restA, restB] = [a.slice(at), b.slice(at)];
  if (restA.length > restB.length) return restA.slice(1) === restB;
  if (restA.length < restB.length) return restA === restB.slice(1);
  const isSwapped = restA[0] === restB[1] && restA[1] === restB[0] && restA.slice(2) === restB.slice(2);
  return restA.slice(1) === restB.slice(1) || isSwapped;
}
