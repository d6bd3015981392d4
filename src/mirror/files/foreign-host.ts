import { Refusal, type Subject } from '../../bytes/refusal.ts';

/** A page cannot send this mirror wherever it likes: to the machine's own network, say. `url` is what the page says. */
export function foreignHost(thing: { readonly name: string; readonly subject: Subject }, url: string): Refusal {
  const { host } = new URL(url);
  return new Refusal(
    'foreign',
    `${thing.name} lies on ${host}, where this mirror may not go. If the index really keeps files there, add --file-host ${host}.`,
    { subject: thing.subject },
  );
}
