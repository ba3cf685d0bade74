// The charts of the report: stacked bars with a brush, and Sankey diagrams, drawn as SVG.

import { BarChart, SankeyChart } from "echarts/charts";
import { AriaComponent, BrushComponent, GridComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

use([BarChart, SankeyChart, AriaComponent, BrushComponent, GridComponent, TooltipComponent, SVGRenderer]);

export { init };
