// Where the last good switches are kept between lives of a program.

/** A cache as `connect` uses it, of a file's path or of an object with `read` and `write`. */
export const cacheOf = (cache) => {
  if (cache === undefined || cache === null) return null;
  if (typeof cache === "string") return new FileCache(cache);
  if (typeof cache.read === "function" && typeof cache.write === "function") return cache;
  throw new TypeError("cache should be a file's path, or an object with read() and write(text)");
};

/** A file, replaced whole: whoever reads it while it is written gets the one before. */
class FileCache {
  #path;

  constructor(path) {
    this.#path = path;
  }

  /** `{ text, ageMs }`, or null where there is none. */
  async read() {
    const { readFile, stat } = await import("node:fs/promises");
    try {
      const [text, { mtimeMs }] = await Promise.all([readFile(this.#path, "utf8"), stat(this.#path)]);
      return { text, ageMs: Date.now() - mtimeMs };
    } catch (error) {
      if (error.code === "ENOENT") return null;
      throw error;
    }
  }

  async write(text) {
    const { open, rename, unlink } = await import("node:fs/promises");
    const beside = `${this.#path}.${crypto.randomUUID()}`;
    try {
      const file = await open(beside, "wx", 0o600);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(beside, this.#path);
    } catch (error) {
      await unlink(beside).catch(() => {});
      throw error;
    }
  }
}
