/** Who may do what where: rules as data, and the answer that a request without the permission gets. */
import { isWithin } from "../core/paths.ts";
import { problemResponse } from "../http/problem.ts";
import type { Grant } from "./grant.ts";

/** `r` read and list, `w` create and overwrite, `d` delete and move away, `s` start and manage jobs. */
export type Perm = "r" | "w" | "d" | "s";

/** A set of permissions as bits, see `parsePerms`. */
export type PermSet = number;

const BITS: Readonly<Record<Perm, number>> = { r: 1, w: 2, d: 4, s: 8 };

/** What holds at `path` (checked, relative) and below it, until a longer path says otherwise. */
export interface Rule {
  path: string;
  perms: PermSet;
}

/** The permissions that `text` spells, letters of `rwds` or `none`; null when it is neither. */
export function parsePerms(text: string): PermSet | null {
  if (text === "none") return 0;
  if (!/^[rwds]+$/.test(text)) return null;
  let set = 0;
  for (const letter of text) set |= BITS[letter as Perm];
  return set;
}

/** The letters of `set`, or `none`: what `parsePerms` reads back. */
export function formatPerms(set: PermSet): string {
  const letters = (Object.keys(BITS) as Perm[]).filter((perm) => (set & BITS[perm]) !== 0).join("");
  return letters === "" ? "none" : letters;
}

/** What `user` (null: nobody logged in) may do: the union of the own rules and of what anybody may. */
export interface AccessGrant {
  user: string | null;
  rules: readonly Rule[];
  /** What holds for everybody. */
  anonymous: readonly Rule[];
  /** Whether a login could help, so that a refusal asks for one. */
  logins: boolean;
}

/** The permissions of one request. */
export class Access {
  readonly user: string | null;
  /** What the token says that these permissions come from; null for none. */
  readonly token: Grant | null;
  readonly #grant: AccessGrant;
  /** What holds at every path: most servers have one rule, and most requests need no other. */
  readonly #everywhere: PermSet;

  constructor(grant: AccessGrant, token: Grant | null = null) {
    this.user = grant.user;
    this.token = token;
    this.#grant = grant;
    this.#everywhere = everywhere(grant.rules) | everywhere(grant.anonymous);
  }

  /** What the bearer of a token may do by the permissions of who made it. */
  static ofToken(token: Grant): Access {
    const rules = [{ path: "", perms: token.perms }];
    return new Access({ user: `token:${token.id}`, rules, anonymous: [], logins: false }, token);
  }

  /** The part of these permissions that `token` carries. */
  within(token: Grant): Access {
    return new Access(this.#grant, token);
  }

  /**
   * These permissions below `path`, for paths that start there. `own` rules, which start there too, stand in for the
   * server's, but not for what a token says by itself.
   */
  at(path: string, own: Partial<Pick<AccessGrant, "rules" | "anonymous">> = {}): Access {
    const { rules, anonymous } = this.#grant;
    const { token } = this;
    const given = token !== null && token.user === undefined ? {} : own;
    const grant = {
      ...this.#grant,
      rules: given.rules ?? rulesBelow(rules, path),
      anonymous: given.anonymous ?? rulesBelow(anonymous, path),
    };
    return new Access(grant, token && tokenBelow(token, path));
  }

  /** Whether `perm` holds at any path. */
  canSomewhere(perm: Perm): boolean {
    const { rules, anonymous } = this.#grant;
    const paths = [
      "",
      this.token?.path ?? "",
      ...rules.map((rule) => rule.path),
      ...anonymous.map((rule) => rule.path),
    ];
    return paths.some((path) => this.can(perm, path));
  }

  /** Whether `perm` holds at `path`: of the user's rules, and of everybody's, the one with the longest path decides. */
  can(perm: Perm, path: string): boolean {
    const bit = BITS[perm];
    const { token } = this;
    if (token !== null && ((token.perms & bit) === 0 || !isWithin(path, token.path))) return false;
    if ((this.#everywhere & bit) !== 0) return true;
    const { rules, anonymous } = this.#grant;
    return ((permsAt(rules, path) | permsAt(anonymous, path)) & bit) !== 0;
  }

  /** Whether `perm` holds at `path` and everywhere below it, as removing or moving a whole folder needs. */
  canDeep(perm: Perm, path: string): boolean {
    const holds = (rule: Rule) => !isWithin(rule.path, path) || this.can(perm, rule.path);
    return this.can(perm, path) && this.#grant.rules.every(holds) && this.#grant.anonymous.every(holds);
  }

  /** The answer to a request that lacks `perm`: 401 where logging in could help, else 403. */
  deny(perm: Perm, request: Pick<Request, "headers">): Response {
    const { status, detail } = this.denial(perm);
    const accept = request.headers.get("accept");
    if (status === 403) return problemResponse({ status, detail, code: "forbidden" }, accept);
    return problemResponse({ status, detail, code: "unauthorized" }, accept, CHALLENGE);
  }

  /** Status and words of `deny`. */
  denial(perm: Perm): { status: 401 | 403; detail: string } {
    const verb = VERBS[perm];
    if (this.token !== null) {
      return { status: 403, detail: `this token does not allow ${verb} here` };
    }
    if (this.user === null && this.#grant.logins) {
      return { status: 401, detail: `${verb} here needs a login` };
    }
    if (this.user === null) return { status: 403, detail: `this server does not allow ${verb} here` };
    return { status: 403, detail: `this user may not do that: ${verb} is not allowed here` };
  }
}

/** What `rules` give at `path`. */
function permsAt(rules: readonly Rule[], path: string): PermSet {
  let longest = -1;
  let perms = 0;
  for (const rule of rules) {
    if (rule.path.length > longest && isWithin(path, rule.path)) {
      longest = rule.path.length;
      perms = rule.perms;
    }
  }
  return perms;
}

/** `rules` as they are below `path`, for paths that start there. */
export function rulesBelow(rules: readonly Rule[], path: string): Rule[] {
  if (path === "") return [...rules];
  const inside = rules.filter((rule) => rule.path !== path && isWithin(rule.path, path))
    .map(({ path: inner, perms }) => ({ path: inner.slice(path.length + 1), perms }));
  const around = rules.some((rule) => isWithin(path, rule.path));
  return around ? [{ path: "", perms: permsAt(rules, path) }, ...inside] : inside;
}

/** `token` as it is below `path`, for paths that start there. */
function tokenBelow(token: Grant, path: string): Grant {
  if (path === "" || isWithin(path, token.path)) return path === "" ? token : { ...token, path: "" };
  if (isWithin(token.path, path)) return { ...token, path: token.path.slice(path.length + 1) };
  return { ...token, path: "", perms: 0 };
}

/** What `rules` give at every path. */
function everywhere(rules: readonly Rule[]): PermSet {
  if (!rules.some((rule) => rule.path === "")) return 0;
  return rules.reduce((all, rule) => all & rule.perms, ~0);
}

/** What every 401 carries (RFC 9110 section 11.6.1, RFC 7617). */
export const CHALLENGE = { "www-authenticate": 'Basic realm="ferry", charset="UTF-8"' };

/** The answer to credentials that are not right, whatever the path and whoever else may come in. */
export function wrongCredentials(request: Pick<Request, "headers">): Response {
  const problem = { status: 401, detail: "the user name, password or token is wrong", code: "unauthorized" };
  return problemResponse(problem, request.headers.get("accept"), CHALLENGE);
}

const VERBS: Readonly<Record<Perm, string>> = {
  r: "reading",
  w: "writing",
  d: "deleting or moving away",
  s: "managing jobs",
};
