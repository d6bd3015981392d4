import type { Reason, Subject } from '../bytes/refusal.ts';
import type { Instant } from './clock.ts';

/** What happened, for logs and metrics. Must not throw. */
export interface Events {
  rejected(event: {
    readonly index: string;
    readonly reason: Reason;
    readonly subject: Subject;
    readonly name: string;
    readonly message: string;
    readonly at: 'upstream' | 'disk' | 'client';
  }): void;
  served(event: {
    readonly index: string;
    readonly kind: 'page' | 'list' | 'file' | 'core-metadata' | 'metadata' | 'target';
    readonly how: 'memory' | 'disk' | 'upstream';
  }): void;
  refreshed(event: {
    readonly index: string;
    readonly result: 'changed' | 'unchanged' | 'failed';
    readonly seconds: number;
    readonly versions?: ReadonlyMap<string, number> | undefined;
    readonly expires?: ReadonlyMap<string, Instant> | undefined;
  }): void;
  note(event: {
    readonly index: string;
    readonly message: string;
    readonly detail?: Readonly<Record<string, string | number>> | undefined;
  }): void;
}
