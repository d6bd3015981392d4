interface Link<M> {
  readonly member: M;
  before: Link<M> | undefined;
  after: Link<M> | undefined;
}

/**
 * Members in order of arrival. To join, to leave from anywhere, and to see either end costs the same however long it is: a
 * Set's first member is found past all that were deleted before it.
 */
export class Line<M> {
  readonly #links = new Map<M, Link<M>>();
  #first: Link<M> | undefined;
  #last: Link<M> | undefined;

  get size(): number {
    return this.#links.size;
  }

  get first(): M | undefined {
    return this.#first?.member;
  }

  get last(): M | undefined {
    return this.#last?.member;
  }

  has(member: M): boolean {
    return this.#links.has(member);
  }

  add(member: M): void {
    const link: Link<M> = { member, before: this.#last, after: undefined };
    this.#links.set(member, link);
    if (this.#last === undefined) this.#first = link;
    else this.#last.after = link;
    this.#last = link;
  }

  /** False where it is not in line. */
  delete(member: M): boolean {
    const link = this.#links.get(member);
    if (link === undefined) return false;
    this.#links.delete(member);
    if (link.before === undefined) this.#first = link.after;
    else link.before.after = link.after;
    if (link.after === undefined) this.#last = link.before;
    else link.after.before = link.before;
    return true;
  }

  *[Symbol.iterator](): Generator<M> {
    for (let link = this.#first; link !== undefined; link = link.after) yield link.member;
  }
}
