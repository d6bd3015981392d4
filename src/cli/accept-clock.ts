import { createClock } from '../app/clock.ts';
import { type DataDirectory, indexOf, withDataDirectory } from '../app/data-directory.ts';
import { type Instant, instantText } from '../bytes/instant.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { Config } from '../config/config.ts';
import { type ClockAct, clockActs } from '../mirror/operator/clock-acts.ts';
import { BUILT_AT } from '../version.ts';
import { print, printJson } from './output.ts';

interface AcceptClockOptions {
  /** All where it is undefined. */
  readonly index: string | undefined;
  readonly reason: string;
  readonly dryRun: boolean;
  readonly json: boolean;
}

interface Accepted extends Omit<ClockAct, 'carryOut'> {
  readonly index: string;
}

/** `verbatim accept-clock`: this machine's clock is right and was ahead before; what it left behind is set right. */
export async function acceptClock(config: Config, options: AcceptClockOptions): Promise<void> {
  const { index, dryRun, json } = options;
  if (index !== undefined) indexOf(config, index);
  // The reference time says nothing of the time it is.
  const now = createClock(undefined).now();
  if (now < BUILT_AT)
    throw new Refusal(
      'clock',
      `This machine's clock says ${instantText(now)}, and this program was made later. Set the clock first.`,
      { subject: 'state' },
    );
  const indexes = index === undefined ? Object.keys(config.indexes) : [index];
  const accepted: Accepted[] = [];
  await withDataDirectory(config, async (directory) => {
    for (const each of indexes) accepted.push(...(await acceptFor(directory, each, now, options)));
  });
  if (json) return printJson({ now, dryRun, accepted });
  for (const { index: name, what, before, after } of accepted)
    print(`${dryRun ? 'would accept' : 'accepted'} for ${name}: ${what}, ${before} -> ${after}`);
  if (accepted.length === 0) print(`Nothing is later than ${instantText(now)}.`);
  else if (!dryRun) print('It is in the audit trail. A server that runs follows with the next request.');
}

async function acceptFor(
  directory: DataDirectory,
  index: string,
  now: Instant,
  { reason, dryRun }: AcceptClockOptions,
): Promise<readonly Accepted[]> {
  const { state } = await directory.open(index);
  const acts = await clockActs(state, now);
  if (!dryRun && acts.length > 0) {
    // The word is kept before anything follows from it.
    const entry = { at: now, action: 'accept-clock', reason };
    await state.facts.change((was) => was && { ...was.value, audit: [...was.value.audit, entry] });
    for (const act of acts) await act.carryOut();
  }
  return acts.map(({ what, before, after }) => ({ index, what, before, after }));
}
