import type { IndexConfig } from '../../config/config.ts';
import type { ComposedPolicy } from '../../mirror/policy/composed.ts';
import { exceptionOf } from '../../policy/compile.ts';
import type { Rule } from '../../policy/rule.ts';
import type { PolicySettings } from '../../policy/settings.ts';

interface Followed {
  readonly policy: Pick<ComposedPolicy, 'use'>;
  readonly rules: (settings: PolicySettings) => readonly Rule[];
}

/** Policies that are read again while a server runs. */
export class PolicyFiles {
  readonly #followed = new Map<string, Followed>();
  readonly #inForce = new Map<string, PolicySettings>();

  follow(index: string, followed: Followed): void {
    this.#followed.set(index, followed);
  }

  /** What was read holds from the next answer on; pages are drawn again where rules changed. */
  use(policies: ReadonlyMap<string, PolicySettings>): void {
    for (const [index, settings] of policies) {
      this.#inForce.set(index, settings);
      const followed = this.#followed.get(index);
      followed?.policy.use({ rules: followed.rules(settings), exceptions: settings.exceptions.map(exceptionOf) });
    }
  }

  /** An index with the policy that is in force. */
  current(index: IndexConfig): IndexConfig {
    const policy = this.#inForce.get(index.name);
    return policy === undefined ? index : { ...index, policy };
  }
}
