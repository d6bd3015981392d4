/** A parsed document: names stay data, integers are exact (bigint beyond 2^53 - 1). */
export type JsonValue = null | boolean | number | bigint | string | JsonArray | JsonObject;
export type JsonArray = readonly JsonValue[];

/** Members that are looked through one by one; more of them get an index. */
export const FEW = 8;

/**
 * The members of an object in the order they were written; each name stands once. Metadata is made of tens of thousands
 * of objects of one to four members: a Map for each costs more than all of the reading.
 */
export class JsonObject {
  /** Name, value, name, value …; empty where there are many. */
  readonly #few: readonly JsonValue[];
  readonly #many: ReadonlyMap<string, JsonValue> | undefined;

  private constructor(few: readonly JsonValue[], many: ReadonlyMap<string, JsonValue> | undefined) {
    this.#few = few;
    this.#many = many;
  }

  /** At most FEW members: name, value, name, value …, already known to differ in name. */
  static few(members: readonly JsonValue[]): JsonObject {
    return new JsonObject(members, undefined);
  }

  static many(members: ReadonlyMap<string, JsonValue>): JsonObject {
    return new JsonObject([], members);
  }

  get size(): number {
    return this.#many?.size ?? this.#few.length / 2;
  }

  get(name: string): JsonValue | undefined {
    if (this.#many !== undefined) return this.#many.get(name);
    const few = this.#few;
    for (let i = 0; i < few.length; i += 2) if (few[i] === name) return few[i + 1];
    return undefined;
  }

  names(): readonly string[] {
    if (this.#many !== undefined) return [...this.#many.keys()];
    return this.#few.filter((_, i) => i % 2 === 0) as string[];
  }

  forEach(visit: (value: JsonValue, name: string) => void): void {
    const few = this.#few;
    this.#many?.forEach(visit);
    for (let i = 0; i < few.length; i += 2) visit(few[i + 1] ?? null, few[i] as string);
  }

  [Symbol.iterator](): Iterator<readonly [string, JsonValue]> {
    return this.#many?.entries() ?? pairs(this.#few);
  }
}

function* pairs(members: readonly JsonValue[]): Generator<readonly [string, JsonValue], undefined> {
  for (let i = 0; i < members.length; i += 2) yield [members[i] as string, members[i + 1] ?? null];
}
