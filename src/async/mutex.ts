/** Runs one task at a time for each key; a failed task is its own caller's, the next one runs all the same. */
export function createTurns(): <T>(key: string, task: () => Promise<T>) => Promise<T> {
  const turns = new Map<string, Promise<unknown>>();
  return (key, task) => {
    const turn = (turns.get(key) ?? Promise.resolve()).then(task);
    const quiet = turn.then(
      () => undefined,
      () => undefined,
    );
    turns.set(key, quiet);
    void quiet.then(() => {
      if (turns.get(key) === quiet) turns.delete(key);
    });
    return turn;
  };
}
