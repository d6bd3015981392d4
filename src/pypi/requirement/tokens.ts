/** Reads a text from its beginning, blanks between its tokens. */
export interface Tokens {
  /** The next token, where it is that; `pattern` is sticky. */
  take(pattern: RegExp): string | undefined;
  readonly isAtEnd: boolean;
}

export function tokensOf(text: string): Tokens {
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const [found] = pattern.exec(text) ?? [];
    if (found !== undefined) at += found.length;
    return found;
  };
  const blanks = () => take(/[ \t]*/y);
  blanks();
  return {
    take(pattern) {
      const found = take(pattern);
      if (found !== undefined) blanks();
      return found;
    },
    get isAtEnd() {
      return at === text.length;
    },
  };
}
