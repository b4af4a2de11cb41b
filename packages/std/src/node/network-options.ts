import type { Network } from '../ports/network.ts';

export interface NodeNetworkOptions {
  /** Certificates (PEM) that are trusted besides, or, when `onlyTheseAuthorities`, instead of those of the system and of Node. */
  readonly authorities?: readonly string[];
  readonly onlyTheseAuthorities?: boolean;
  /**
   * Exactly the certificates with these pins are trusted, whatever their names, dates and authorities: `sha256:` and the SHA-256, in
   * lower-case hexadecimal, of the certificate's SubjectPublicKeyInfo (RFC 7858, section 4.2). Not together with authorities.
   */
  readonly pins?: readonly string[];
  /** Where HTTPS_PROXY, HTTP_PROXY and NO_PROXY are looked up, in either case; no proxy is used when left out. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Connections per host; 16 when omitted. */
  readonly connectionsMax?: number;
}

export interface NodeNetwork extends Network, Disposable {}
