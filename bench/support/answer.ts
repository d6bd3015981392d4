import { ask } from './ask.ts';
import { childFile, start } from './processes.ts';

/** One answer as it is to be repeated by a bare server. */
export interface Answer {
  readonly path: string;
  readonly status: number;
  /** Names and values in turn, without those node writes itself. */
  readonly headers: readonly string[];
  /** Base64. */
  readonly body: string;
}

const NODES_OWN = new Set(['date', 'connection', 'keep-alive']);

/** What a server answers at this URL, to be repeated under a path. */
export async function answerOf(url: string, headers: Readonly<Record<string, string>>, path: string): Promise<Answer> {
  const { response, body } = await ask(url, headers);
  const raw: readonly string[] = response.rawHeaders;
  const kept = raw.filter((_, i) => !NODES_OWN.has((raw[i - (i % 2)] ?? '').toLowerCase()));
  return { path, status: response.statusCode ?? 0, headers: kept, body: body.toString('base64') };
}

export interface Bare {
  /** Without a slash at the end. */
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** node:http, or node:https, that gives these answers and does nothing else. */
export async function startBare(answers: readonly Answer[], { tls = false } = {}): Promise<Bare> {
  const bare = start(process.execPath, [childFile('bare-page.ts'), ...(tls ? ['tls'] : [])]);
  bare.tell(JSON.stringify(answers));
  return { url: `${tls ? 'https' : 'http'}://127.0.0.1:${await bare.line()}`, pid: bare.pid, stop: bare.stop };
}
