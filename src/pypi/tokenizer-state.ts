import { TokenizerMode } from 'parse5';

// HTML §13.2.6: what follows these start tags is text, not tags.
const TEXT_AFTER: ReadonlyMap<string, (typeof TokenizerMode)[keyof typeof TokenizerMode]> = new Map([
  ['title', TokenizerMode.RCDATA],
  ['textarea', TokenizerMode.RCDATA],
  ['style', TokenizerMode.RAWTEXT],
  ['xmp', TokenizerMode.RAWTEXT],
  ['iframe', TokenizerMode.RAWTEXT],
  ['noembed', TokenizerMode.RAWTEXT],
  ['noframes', TokenizerMode.RAWTEXT],
  ['script', TokenizerMode.SCRIPT_DATA],
  ['plaintext', TokenizerMode.PLAINTEXT],
]);

/** How the tokenizer goes on after a start tag, where that is not as usual. */
export function stateAfter(tag: string): (typeof TokenizerMode)[keyof typeof TokenizerMode] | undefined {
  return TEXT_AFTER.get(tag);
}
