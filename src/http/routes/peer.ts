import type { Blob } from '../../ports/blob.ts';
import { PEER_WORD } from '../../ports/peers.ts';
import type { Exchange } from '../exchange.ts';
import { NOTHING_HERE } from '../reply/answers.ts';
import { replyProblem } from '../reply/doors.ts';
import { replyBare } from '../reply/file-doors.ts';

/** Where other replicas of a fleet have files from. */
export interface PeerDoor {
  /** The file, where a replica of the fleet asks and may have it; undefined for every other reason. */
  open(asked: {
    readonly method: string | undefined;
    readonly path: string;
    /** What shows that it is one. */
    readonly word: unknown;
  }): Promise<Blob | undefined>;
}

/** Whoever may not have it is told no more than of any path where nothing lies. */
export async function replyPeer(exchange: Exchange, path: string, door: PeerDoor): Promise<void> {
  const { method, headers } = exchange;
  const blob = await door.open({ method, path, word: headers[PEER_WORD] });
  if (blob === undefined) replyProblem(exchange, undefined, NOTHING_HERE);
  else await replyBare(exchange, blob);
}
