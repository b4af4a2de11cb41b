/** A reason to install, as the beginning of a sentence; null when there is none. */
export declare function staleReason(root: string): string | null;
