import { Refusal } from '../../bytes/refusal.ts';
import type { Config } from '../../config/config.ts';
import type { PeerDoor } from '../../http/routes/peer.ts';
import type { Blob } from '../../ports/blob.ts';
import type { Emit } from '../../ports/events.ts';
import { HttpPeers } from '../../upstream/peers.ts';
import { VERSION } from '../../version.ts';
import { sealingOf } from '../secrets.ts';
import { PeerWords } from './peer-words.ts';

/** Names the files that replicas have on disks of their own and give each other: one of them downloads for all. */
export const AMONG_PEERS = 'peers';

/** The replicas that have files from each other: as this one asks, and is asked. */
export class FleetPeers {
  /** Undefined where nobody is asked for anything. */
  readonly files: HttpPeers | undefined;
  readonly #words: PeerWords;
  readonly #emit: Emit;
  #onTurn: () => void = () => undefined;

  constructor(peers: readonly string[], words: PeerWords, { offline, emit }: { offline: boolean; emit: Emit }) {
    this.#words = words;
    this.#emit = emit;
    if (offline) return;
    this.files = new HttpPeers({
      peers,
      word: (path) => words.say(path),
      version: VERSION,
      onResult: (result) => emit({ name: 'peered', result }),
      onTurn: () => this.#onTurn(),
    });
  }

  get troubles(): HttpPeers['troubles'] {
    return this.files?.troubles ?? [];
  }

  /** Calls when there is trouble with one of them, and when there no longer is. */
  watch(onTurn: () => void): void {
    this.#onTurn = onTurn;
  }

  /** What others may have of these files. */
  door(blobs: { vouched(sha256: string): Promise<Blob | undefined> }): PeerDoor {
    return {
      open: async (asked) => {
        const sha256 = this.#words.judge(asked);
        const blob = sha256 === undefined ? undefined : await blobs.vouched(sha256);
        const result = sha256 === undefined ? 'refused' : blob === undefined ? 'absent' : 'sent';
        this.#emit({ name: 'peerAsked', result });
        return blob;
      },
    };
  }

  close(): void {
    this.files?.close();
  }
}

/** Undefined where replicas are not said to have files from each other. Throws Refusal `state` without a seal key. */
export function peersOf(config: Config, emit: Emit): FleetPeers | undefined {
  const peers = config.fleet?.peers ?? [];
  if (peers.length === 0) return undefined;
  const { sealKey } = sealingOf(config);
  if (sealKey === undefined)
    throw new Refusal(
      'state',
      'Replicas know each other by a seal key that all of them share (seal_key_file, seal_key_env): without it fleet.peers cannot be.',
      { subject: 'state' },
    );
  return new FleetPeers(peers, new PeerWords(sealKey, Date.now), { offline: config.offline, emit });
}
