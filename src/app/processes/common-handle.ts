import { z } from 'zod';
import { Refusal } from '../../bytes/refusal.ts';
import type { Handle } from '../control/listen.ts';
import { readAnswer, requestLine } from '../control/protocol.ts';
import { PruneRequest, PruneSpared } from '../control/requests.ts';
import { LiveStatus } from '../control/status-answer.ts';
import { commonStatus, type Supervising } from './common-status.ts';

/** A process that does what commands ask. */
export interface Commanded {
  /** The line that answers this one. Rejects where it ends first. */
  command(line: string): Promise<string>;
}

/**
 * What a server of several processes does when a command asks: each says how it stands, and one of them does the rest. What that writes the others
 * follow, as they follow whatever a worker writes.
 */
export function createCommonHandle(answering: () => readonly Commanded[], supervising: () => Supervising): Handle {
  return async (name, about) => {
    if (name === 'status') return statusOfAll(answering(), supervising());
    const line = requestLine(name, about);
    const [first, ...others] = answering();
    if (first === undefined) throw nobody();
    if (name === 'prune') return pruneStepOf(first, others, { line, about });
    if (name === 'follow' || name === 'adopt' || name === 'retain')
      await Promise.allSettled(others.map((worker) => worker.command(line)));
    return readAnswer(z.unknown(), await said(first, line));
  };
}

/** How all of them stand together; one that ends meanwhile has no say. Throws Refusal where none answers. */
export async function statusOfAll(workers: readonly Commanded[], supervising: Supervising): Promise<LiveStatus> {
  const line = requestLine('status', {});
  const lines = await Promise.allSettled(workers.map((worker) => worker.command(line)));
  const [first, ...others] = lines.flatMap((each) =>
    each.status === 'fulfilled' ? [readAnswer(LiveStatus, each.value)] : [],
  );
  if (first === undefined) throw nobody();
  return commonStatus([first, ...others], supervising);
}

/** What one spares no other removes. */
async function pruneStepOf(
  first: Commanded,
  others: readonly Commanded[],
  { line, about }: { readonly line: string; readonly about: unknown },
): Promise<unknown> {
  const step = PruneRequest.safeParse(about).data?.step;
  const answer = await said(first, line);
  if (step !== 'begin' && step !== 'spared' && step !== 'end') return readAnswer(z.unknown(), answer);
  const lines = [answer, ...(await Promise.all(others.map((worker) => said(worker, line))))];
  if (step !== 'spared') return {};
  return { spared: [...new Set(lines.flatMap((each) => readAnswer(PruneSpared, each).spared))] };
}

async function said(worker: Commanded, line: string): Promise<string> {
  try {
    return await worker.command(line);
  } catch (cause) {
    throw new Refusal('unreachable', 'The worker that was asked ended meanwhile. Ask again: it may have done it.', {
      subject: 'request',
      transient: true,
      cause,
    });
  }
}

function nobody(): Refusal {
  return new Refusal('unreachable', 'None of the workers of the server answers at this moment. Ask again.', {
    subject: 'request',
    transient: true,
  });
}
