// Hocuspocus with its SQLite extension: `node hocuspocus.mjs PORT FILE`, in the folder of its packages.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const find = createRequire(`${process.env.PACKAGES}/package.json`);
const load = (name) => import(pathToFileURL(find.resolve(name)).href);
const { Server } = (await load("@hocuspocus/server"));
const { SQLite } = (await load("@hocuspocus/extension-sqlite"));
const [port, database] = process.argv.slice(2);
await new Server({ port: Number(port), address: "127.0.0.1", quiet: true, extensions: [new SQLite({ database })] }).listen();
