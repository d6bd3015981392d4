/** What another process was asked and has not answered yet. */
export class Questions<Answer> {
  readonly #asked = new Map<number, PromiseWithResolvers<Answer>>();
  #ids = 0;

  /** `send` asks, under the number that it is answered by; false where nobody is there. Rejects where the other ends first. */
  ask(send: (id: number) => boolean): Promise<Answer> {
    const id = ++this.#ids;
    const asked = Promise.withResolvers<Answer>();
    this.#asked.set(id, asked);
    if (!send(id)) this.#end(id, asked);
    return asked.promise;
  }

  answered(id: number, answer: Answer): void {
    this.#asked.get(id)?.resolve(answer);
    this.#asked.delete(id);
  }

  /** The other is gone: nothing is answered any more. */
  ended(): void {
    for (const [id, asked] of this.#asked) this.#end(id, asked);
  }

  #end(id: number, asked: PromiseWithResolvers<Answer>): void {
    this.#asked.delete(id);
    asked.reject(new Error('the process that was asked has ended'));
  }
}
