/* Units of size and time, and how people read them. Sizes are binary: 1 KiB is 1024 bytes. English; the portal has its own words. */

export const KiB = 1024;
export const MiB: number = 1024 * KiB;
export const GiB: number = 1024 * MiB;
export const TiB: number = 1024 * GiB;

export const secondMs = 1000;
export const minuteMs: number = 60 * secondMs;
export const hourMs: number = 60 * minuteMs;
export const dayMs: number = 24 * hourMs;

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;

/** Three significant digits: "0 B", "1023 B", "1.50 MiB", "12.3 GiB", "512 GiB". */
export function formatBytes(count: number): string {
  let value = Math.abs(count);
  let unit = 0;
  // 1023.5 would be shown as 1024, so it already belongs to the next unit.
  while (value >= (unit === 0 ? 1024 : 1023.5) && unit < byteUnits.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${count < 0 ? '-' : ''}${value.toFixed(digits)} ${byteUnits[unit] ?? ''}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** "350 ms", "1.5 s", "3 min 05 s", "2 h 07 min", "3 d 04 h". */
export function formatDuration(durationMs: number): string {
  if (durationMs < 0) return `-${formatDuration(-durationMs)}`;
  if (durationMs < 999.5) return `${Math.round(durationMs)} ms`;
  if (durationMs < minuteMs - 50) return `${(durationMs / secondMs).toFixed(1)} s`;
  const seconds = Math.round(durationMs / secondMs);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${two(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${two(minutes % 60)} min`;
  return `${Math.floor(hours / 24)} d ${two(hours % 24)} h`;
}
