import { type Reason, Refusal } from '../bytes/refusal.ts';
import type { UpstreamLimits } from './limits.ts';

/** A host is waited for no longer, or answers again. */
export type OnSilence = (host: string, silent: boolean) => void;

interface Silent {
  /** What nobody waits for again: told to whoever asks meanwhile. */
  readonly refusal: Refusal;
  /** When it was last waited for in vain; milliseconds that only go up. */
  readonly at: number;
  /** Since when a request looks whether it is back. */
  readonly lookedAt: number | undefined;
}

interface Host {
  /** When anything last came from it. */
  heardAt: number;
  silent: Silent | undefined;
}

/** One request under way. Each of its ends is said once. */
export interface Asked {
  /** Something came. */
  heard(): void;
  /** All that was asked for came, or is not wanted any more. */
  whole(): void;
  /** `left`: whoever asked went away first. `bodied`: the head had come. */
  failed(error: unknown, left: boolean, bodied: boolean): void;
}

const MOST_HOSTS = 1000;
/** What fails sooner costs nobody a wait. Milliseconds. */
const COSTLY = 1000;
/** Upstream took its time and brought nothing. */
const IN_VAIN: ReadonlySet<Reason> = new Set(['slow', 'unreachable']);

/**
 * Hosts that bring nothing. One that let a request wait in vain, while nobody else heard of it either, is waited for once, and not
 * once a document: whoever asks meanwhile is refused at once, and one request at a time looks whether it is back. One slow page
 * of a host that answers others says nothing of the host.
 */
export class Silence {
  readonly #limits: UpstreamLimits;
  readonly #onChange: OnSilence;
  readonly #hosts = new Map<string, Host>();

  constructor(limits: UpstreamLimits, onChange: OnSilence = () => undefined) {
    this.#limits = limits;
    this.#onChange = onChange;
  }

  /** What whoever asks this host now is told instead of being let wait; undefined where it may be asked. */
  refusal({ host }: URL): Refusal | undefined {
    const silent = this.#hosts.get(host)?.silent;
    return silent === undefined || this.#mayLook(silent) ? undefined : this.#ofSilent(silent);
  }

  /** Throws the refusal, or notes that the host is asked; while it is silent, one after the other. */
  ask({ host }: URL): Asked {
    const known = this.#hosts.get(host);
    const silent = known?.silent;
    if (silent !== undefined && !this.#mayLook(silent)) throw this.#ofSilent(silent);
    const began = performance.now();
    if (known !== undefined && silent !== undefined) known.silent = { ...silent, lookedAt: began };
    let lastAt = began;
    return {
      heard: () => {
        lastAt = performance.now();
        this.#heard(host, lastAt);
      },
      whole: () => {
        this.#heard(host, performance.now());
        this.#answers(host);
      },
      failed: (error, left, bodied) => this.#failed(host, { began, lastAt, left, bodied }, error),
    };
  }

  #mayLook({ at, lookedAt }: Silent): boolean {
    const { silentRest, longestLook } = this.#limits;
    const now = performance.now();
    return now - at >= silentRest && (lookedAt === undefined || now - lookedAt >= longestLook);
  }

  /** One a request: each is told of by its own document. */
  #ofSilent({ refusal, at }: Silent): Refusal {
    const { reason, message } = refusal;
    const rests = at + this.#limits.silentRest - performance.now();
    return new Refusal(
      reason,
      `${message} It is not waited for again; one request at a time looks whether it is back.`,
      { transient: true, cause: refusal, retryIn: Math.max(1, Math.ceil(rests / 1000)) },
    );
  }

  #failed(host: string, { began, lastAt, left, bodied }: Waited, error: unknown): void {
    const waited = performance.now() - lastAt;
    if (left) {
      if (!bodied && waited >= this.#limits.leftUnanswered) this.#late(host, lastAt, leftWaiting(host, waited));
    } else if (error instanceof Refusal && IN_VAIN.has(error.reason)) {
      if (error.reason === 'slow' || waited >= COSTLY) this.#late(host, lastAt, error);
      // It refuses connections, say: that is an answer, and costs no wait.
      else this.#answers(host);
    }
    this.#noLongerLooks(host, began);
  }

  #late(host: string, since: number, refusal: Refusal): void {
    const known = this.#hosts.get(host) ?? { heardAt: Number.NEGATIVE_INFINITY, silent: undefined };
    if (known.heardAt > since) return;
    const wasSilent = known.silent !== undefined;
    if (this.#hosts.size >= MOST_HOSTS) this.#hosts.clear();
    this.#hosts.set(host, { ...known, silent: { refusal, at: performance.now(), lookedAt: undefined } });
    if (!wasSilent) this.#onChange(host, true);
  }

  #heard(host: string, at: number): void {
    const known = this.#hosts.get(host);
    if (known !== undefined) known.heardAt = at;
    else {
      if (this.#hosts.size >= MOST_HOSTS) this.#hosts.clear();
      this.#hosts.set(host, { heardAt: at, silent: undefined });
    }
  }

  #answers(host: string): void {
    const known = this.#hosts.get(host);
    if (known?.silent === undefined) return;
    known.silent = undefined;
    this.#onChange(host, false);
  }

  /** The look that began then came to nothing: another may be taken. */
  #noLongerLooks(host: string, began: number): void {
    const known = this.#hosts.get(host);
    if (known?.silent?.lookedAt === began) known.silent = { ...known.silent, lookedAt: undefined };
  }
}

interface Waited {
  readonly began: number;
  /** When something last came of it. */
  readonly lastAt: number;
  readonly left: boolean;
  readonly bodied: boolean;
}

function leftWaiting(host: string, waited: number): Refusal {
  return new Refusal('slow', `${host} did not answer within ${Math.round(waited / 1000)} seconds.`, {
    transient: true,
  });
}
