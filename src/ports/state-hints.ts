/** Tells replicas that there is something new to read. Nothing depends on one that is lost, late or a lie: each is a reason to look, and no more. */
export interface StateHints {
  /** Never throws and never waits. */
  tell(index: string): void;
  /** Until what it returns is called. */
  listen(heard: (index: string) => void): () => void;
}
