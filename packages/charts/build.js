// Bundles the charts into one file for the page of nfstream report, with versions and licences.

import { readFile, writeFile } from "node:fs/promises";
import { build } from "esbuild";

const target = "../../crates/nfstream/src/report/page/charts.min.js";
const modules = ["echarts", "zrender", "tslib"];

const licences = await Promise.all(modules.map(async (name) => {
  const { version, license } = JSON.parse(await readFile(`node_modules/${name}/package.json`, "utf8"));
  return ` * ${name} ${version}, ${license}`;
}));
const banner = `/*!
 * Charts of nfstream report, built by \`make charts\` from:
${licences.join("\n")}
 * LICENSES.txt in packages/charts of the sources holds the licences.
 * Apache ECharts, Copyright 2017-2026 The Apache Software Foundation.
 * Licensed under the Apache License, Version 2.0: https://www.apache.org/licenses/LICENSE-2.0
 * ZRender, Copyright (c) 2017, Baidu Inc., BSD 3-Clause License.
 */`;

await build({
  entryPoints: ["charts.js"],
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "charts",
  target: "es2022",
  charset: "ascii",
  legalComments: "none",
  define: { "process.env.NODE_ENV": '"production"' },
  banner: { js: banner },
  outfile: target,
});

const texts = await Promise.all(modules.map(async (name) => {
  const text = async (file) => {
    try {
      return await readFile(`node_modules/${name}/${file}`, "utf8");
    } catch {
      return "";
    }
  };
  const licence = (await text("LICENSE")) || (await text("LICENSE.txt"));
  return `==== ${name} ====\n\n${licence.trim()}\n\n${(await text("NOTICE")).trim()}`.trim();
}));
await writeFile("LICENSES.txt", `${texts.join("\n\n")}\n`);
