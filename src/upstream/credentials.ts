/** A password or token that may change while this program runs. */
export interface Password {
  /** As it is now. Throws Refusal where there is none. */
  current(): Promise<string>;
  /** Another than the one that upstream refused; undefined where there is none. Throws Refusal. */
  instead(refused: string): Promise<string | undefined>;
}

/** A user name and password for everything at or below one URL. */
export interface Credential {
  readonly url: string;
  readonly username: string;
  readonly password: string | Password;
}

/** What a request says of who asks. */
export interface Authorization {
  readonly header: string;
  /** The same with the password that holds now; undefined where that is the one that was refused. Throws Refusal. */
  renewed(): Promise<Authorization | undefined>;
}

/** The credential of one URL and what lies below it. */
export class CredentialScope {
  readonly #origin: string;
  readonly #path: string;
  readonly #username: string;
  readonly #password: Password;

  constructor({ url, username, password }: Credential) {
    const { origin, pathname } = new URL(url);
    this.#origin = origin;
    this.#path = pathname;
    this.#username = username;
    this.#password = typeof password === 'string' ? fixedPassword(password) : password;
  }

  covers({ origin, pathname }: URL): boolean {
    const path = this.#path;
    return (
      origin === this.#origin && (pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`))
    );
  }

  async authorization(): Promise<Authorization> {
    return this.#with(await this.#password.current());
  }

  #with(password: string): Authorization {
    return {
      header: `Basic ${Buffer.from(`${this.#username}:${password}`).toString('base64')}`,
      renewed: async () => {
        const other = await this.#password.instead(password);
        return other === undefined ? undefined : this.#with(other);
      },
    };
  }
}

/** One that stays as it is. */
export function fixedPassword(password: string): Password {
  return { current: async () => password, instead: async () => undefined };
}
