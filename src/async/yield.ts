/** How long judging may hold the event loop before others get a turn. Milliseconds. */
const TURN = 8;

/** Drives long judging in turns, so that no other request waits for a large document. */
export async function inTurns<T>(judging: Generator<undefined, T, undefined>): Promise<T> {
  let turnEnds = performance.now() + TURN;
  for (;;) {
    const { done, value } = judging.next();
    if (done === true) return value;
    if (performance.now() >= turnEnds) {
      await othersTurn();
      turnEnds = performance.now() + TURN;
    }
  }
}

/** Lets every other request that is ready have its turn first. */
export function othersTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
