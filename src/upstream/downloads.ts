import { type Caller, withSignal } from '../async/caller.ts';
import { type Deadline, deadline, timeLimit } from '../async/timeout.ts';
import { isStrong } from '../bytes/etag.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { Download, OpenDownload, Upstream } from '../ports/upstream.ts';
import type { Absences } from './absence.ts';
import { codingOf, labelOf, unpacked } from './decoded.ts';
import { redactUrl } from './destinations.ts';
import type { Answer } from './exchange.ts';
import { overdue } from './failures.ts';
import type { UpstreamLimits } from './limits.ts';
import { type Reading, Readings } from './reading.ts';
import { type Lane, type MakeVisit, saysWhy, unfit, type Visited } from './visit.ts';
import { whyOf } from './words.ts';

interface DownloadDeps {
  readonly visit: MakeVisit;
  readonly absences: Absences;
  readonly lane: Lane;
  readonly limits: UpstreamLimits;
  readonly closing: AbortSignal;
}

/** What is known of a file before it comes. */
interface Known {
  /** What it must have. */
  readonly length: number | undefined;
  /** No digest of it. */
  readonly unproved: boolean | undefined;
}

type Attempt = Parameters<OpenDownload>[0];
type Body = AsyncGenerator<Uint8Array, void, undefined>;

interface Moving {
  readonly signal: AbortSignal;
  /** Something came, or nothing more will. */
  readonly came: () => void;
}

/** A download that brings nothing for this many silences is given up. */
const STANDS = 3;

export function createDownloads(deps: DownloadDeps): Upstream['download'] {
  return ({ urls, expected, unproved }) => {
    const places = urls.map((url) => new Place(url, { length: expected?.length, unproved }, deps));
    let at = 0;
    return async (attempt) => {
      let absent: unknown;
      let forbidden: unknown;
      for (; at < places.length; at++) {
        try {
          const place = places[at];
          if (place !== undefined) return await place.open(attempt);
        } catch (error) {
          // Another name of the same bytes may be open to us; whatever comes is proved.
          if (error instanceof Refusal && error.reason === 'forbidden') forbidden ??= error;
          else if (error instanceof Refusal && error.reason === 'unlisted') absent = error;
          else throw error;
        }
      }
      // What lies nowhere now may lie somewhere at the next attempt.
      at = 0;
      throw forbidden ?? absent ?? new Refusal('unlisted', 'There is no address to fetch it from.');
    };
  };
}

/** One address of a file, and what of the representation there has to stay the same for a later attempt to go on with it. */
class Place {
  readonly #url: string;
  readonly #deps: DownloadDeps;
  #etag: string | undefined;
  /** What the body was labelled with; null until one came. */
  #label: string | undefined | null = null;
  readonly #readings: Readings;
  readonly #unproved: boolean | undefined;
  #reading: Reading = 'as it came';
  /** Since when nothing has come any more, over whatever connection. */
  #stoodSince: number | undefined;

  constructor(url: string, { length, unproved }: Known, deps: DownloadDeps) {
    this.#url = url;
    this.#deps = deps;
    this.#readings = new Readings(url, length);
    this.#unproved = unproved;
  }

  async open(attempt: Attempt): Promise<Download> {
    const { closing, lane } = this.#deps;
    const { caller } = attempt;
    const until = deadline(lane.pace.deadline, () => overdue(this.#url), caller.signal, closing);
    let moving: Moving | undefined;
    try {
      moving = this.#moving(until.signal);
      const { bytes, ...begun } = await this.#begin(attempt, withSignal(caller, moving.signal));
      return { ...begun, bytes: this.#watched(bytes, moving, until) };
    } catch (error) {
      moving?.came();
      until.clear();
      throw error;
    }
  }

  /** Once it has come to a stand, a further connection has a silence to bring something in, all together what is left. */
  #moving(signal: AbortSignal): Moving {
    const since = this.#stoodSince;
    if (since === undefined) return { signal, came: () => undefined };
    const standing = new AbortController();
    const { idleTimeout } = this.#deps.lane.pace;
    const left = since + STANDS * idleTimeout - performance.now();
    const callOff = timeLimit(Math.min(idleTimeout, left), () => standing.abort(stuck(this.#url)));
    return { signal: AbortSignal.any([signal, standing.signal]), came: callOff };
  }

  async *#watched(chunks: AsyncIterable<Uint8Array>, moving: Moving, until: Deadline): Body {
    let last = performance.now();
    try {
      for await (const chunk of chunks) {
        moving.came();
        this.#stoodSince = undefined;
        yield chunk;
        last = performance.now();
      }
    } catch (error) {
      if (error instanceof Refusal && error.reason === 'slow') this.#stoodSince ??= last;
      throw error;
    } finally {
      moving.came();
      until.clear();
    }
  }

  async #begin({ offset, limit, attempt }: Attempt, until: Caller): Promise<Download> {
    const fresh = attempt > 1;
    if (offset === 0) this.#readings.begin();
    // An offset in what was unpacked means nothing to upstream.
    if (offset === 0 || this.#reading === 'unpacked')
      return this.#whole(await this.#visit({}, fresh, until), limit, until);

    const etag = this.#etag;
    const range = { range: `bytes=${offset}-`, ...(etag !== undefined && { 'if-range': etag }) };
    const answer = await this.#visit(range, fresh, until);
    const isSame = this.#label === null || labelOf(answer) === this.#label;
    if (answer.status === 206 && isSame && continues(answer, offset, etag))
      return { start: offset, unframed: !answer.framed, bytes: takingBack(answer.body(limit - offset)) };
    if (answer.status !== 206 && answer.status !== 416) return this.#whole(answer, limit, until);
    // Not the rest of what came before: from the start, then.
    answer.discard();
    return this.#whole(await this.#visit({}, true, until), limit, until);
  }

  #visit(headers: Readonly<Record<string, string>>, fresh: boolean, caller: Caller): Promise<Visited> {
    const { visit, lane, limits } = this.#deps;
    return visit(this.#url, { headers, redirects: limits.redirects, fresh, lane, unproved: this.#unproved, caller });
  }

  async #whole(answer: Visited, limit: number, caller: Caller): Promise<Download> {
    if (answer.status === 404 || answer.status === 410) {
      answer.discard();
      throw unlisted(this.#url, answer.status);
    }
    if (saysWhy(answer)) await this.#refuse(answer, caller);
    if (answer.status !== 200) throw unfit(answer);
    const label = labelOf(answer);
    this.#label = label;
    this.#reading = label === undefined ? 'as it came' : this.#readings.next(answer);
    // If-Range takes strong tags only (RFC 9110 §13.1.5).
    const { etag } = answer.headers;
    this.#etag = etag !== undefined && isStrong(etag) ? etag : undefined;
    if (label === undefined) return { start: 0, unframed: !answer.framed, bytes: takingBack(answer.body(limit)) };
    return {
      start: 0,
      unframed: !answer.framed,
      unpacked: this.#reading === 'unpacked',
      bytes: this.#noting(this.#labelled(answer, label, limit)),
    };
  }

  #labelled(answer: Answer, label: string, limit: number): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#reading === 'as it came') return takingBack(answer.body(limit));
    try {
      return unpacked(answer, codingOf(label, answer.url), limit);
    } catch (error) {
      answer.discard();
      throw this.#readings.failed(this.#reading, error);
    }
  }

  async *#noting(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* bytes;
    } catch (error) {
      throw this.#readings.failed(this.#reading, error);
    }
    this.#readings.came(this.#reading);
  }

  async #refuse(answer: Visited, caller: Caller): Promise<never> {
    const { status, authorized } = answer;
    const why = await whyOf(answer);
    const saying = { url: this.#url, status, why, authorized };
    if ((await this.#deps.absences.meaning(saying, caller)) === 'absent') throw unlisted(this.#url, status);
    throw unfit(answer, why);
  }
}

function unlisted(url: string, status: number): Refusal {
  return new Refusal('unlisted', `The index lists ${redactUrl(url)}, but answers ${status} for it.`);
}

function stuck(url: string): Refusal {
  return new Refusal(
    'slow',
    `${redactUrl(url)} stands still: new connections brought nothing (timeouts: file_silence).`,
    {
      transient: true,
    },
  );
}

/** Frees each chunk when the next is asked for: left to the garbage collector, a large file would pile up 64 MiB of them. */
async function* takingBack(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    yield chunk;
    const { buffer } = chunk;
    // Only memory that is this chunk's alone.
    if (buffer instanceof ArrayBuffer && buffer.byteLength === chunk.byteLength) buffer.transfer(0);
  }
}

/** RFC 9110 §14.4: one range, from exactly where we stopped to the end, of the representation we began with. */
function continues(answer: Answer, offset: number, etag: string | undefined): boolean {
  const range = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(answer.headers['content-range'] ?? '');
  if (range === null || Number(range[1]) !== offset) return false;
  if (range[3] !== '*' && Number(range[2]) + 1 !== Number(range[3])) return false;
  if (answer.length !== undefined && answer.length !== Number(range[2]) + 1 - offset) return false;
  return etag === undefined || answer.headers.etag === undefined || answer.headers.etag === etag;
}
