import { Refusal } from '../../bytes/refusal.ts';

/** What is looked at, in this order. */
export const AREAS = {
  configuration: 'Configuration',
  data: 'Data directory',
  server: 'Server',
  redis: 'Redis',
  buckets: 'Buckets',
  upstream: 'Upstream and trust',
  clock: 'Clock',
  install: 'A real install',
  clients: 'Installers of this user',
} as const;
export type Area = keyof typeof AREAS;

/** `error`: something does not work, or will be refused. `warning`: it will hurt. `note`: to know. */
export type Grade = 'good' | 'note' | 'warning' | 'error';

export interface Finding {
  readonly area: Area;
  readonly grade: Grade;
  /** What it is about, the same from release to release: scripts go by it. */
  readonly what: string;
  readonly message: string;
  /** What to do; undefined where nothing is. */
  readonly next?: string | undefined;
}

type Telling = (what: string, message: string, next?: string) => Finding;

/** Findings of one area. */
export function findingsIn(area: Area): Readonly<Record<Grade, Telling>> {
  const as =
    (grade: Grade): Telling =>
    (what, message, next) => ({ area, grade, what, message, next });
  return { good: as('good'), note: as('note'), warning: as('warning'), error: as('error') };
}

/** The words of what was thrown; with its reason, where it is a refusal. */
export function wordsOf(error: unknown): string {
  if (error instanceof Refusal) return `${error.message} [${error.reason}]`;
  return error instanceof Error ? error.message : String(error);
}

/** An address without what nobody else may read. */
export function withoutLogin(address: string): string {
  const url = URL.parse(address);
  if (url === null) return address.replace(/\/\/[^/@]*@/, '//');
  url.username = '';
  url.password = '';
  return url.href;
}
