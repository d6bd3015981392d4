/** `1 file`, `2 files`; `1 entry`, `3 entries` where the plural is given. For people. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
