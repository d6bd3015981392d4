import { expect, vi } from 'vitest';

const seconds = () => Math.floor(Date.now() / 1000);

/** Waits for the machine's clock: what a program kept in whole seconds until now is earlier than what it keeps from then on. */
export async function nextSecond(): Promise<void> {
  const begun = seconds();
  await vi.waitFor(() => expect(seconds()).toBeGreaterThan(begun), { timeout: 60_000 });
}
