import type { Exchange } from './exchange.ts';

/** Waits for work on behalf of a client, so that it does not give up meanwhile. */
export type Wait = <T>(exchange: Exchange, work: () => Promise<T>) => Promise<T>;

/**
 * `100 Continue` at every interval (RFC 9110 §15.2.1: any number of interim answers, which clients skip). It starts
 * the read timeout of pip, requests, httpx, curl and wget anew; 102 and 103 would break pip. HTTP/1.0 (as nginx speaks to
 * what it stands before) knows no interim answers: its connection is only kept from counting as stalled.
 */
export function createWait(everyMs: number): Wait {
  return async (exchange, work) => {
    const isOld = exchange.minorVersion === 0;
    const timer = setInterval(() => {
      if (exchange.left || exchange.begun) clearInterval(timer);
      else if (isOld) exchange.stayConnected();
      else exchange.sayContinue();
    }, everyMs);
    timer.unref();
    try {
      return await work();
    } finally {
      clearInterval(timer);
    }
  };
}
