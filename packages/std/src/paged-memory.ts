/*
 * Shared memory that begins at a page: what a file may be written out of past the page cache (O_DIRECT). That of a
 * WebAssembly.Memory does, its pages have 64 KiB (WebAssembly core specification, 4.2.8); buffers of the engine's own begin
 * somewhere.
 */

const wasmPageBytes = 65_536;

/** At least so many bytes, up to the next 64 KiB, zero. For large blocks that live long: each one reserves gigabytes of addresses. */
export function pagedMemory(lengthBytes: number): Uint8Array<SharedArrayBuffer> {
  const pages = Math.ceil(lengthBytes / wasmPageBytes);
  const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  return new Uint8Array(buffer as ArrayBufferLike as SharedArrayBuffer);
}
