"""How each kind of panel is set up in Grafana."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from grafana_foundation_sdk.models import (
    common,
    dashboard,
    heatmap,
    logs,
    stat,
    table,
    timeseries,
)

from monitoring.dashboards.kit import Column, Panel, Step, View

Override = dashboard.DashboardFieldConfigSourceOverrides
Setting = dashboard.DynamicConfigValue
NOTHING = dashboard.SpecialValueMap(
    dashboard.DashboardSpecialValueMapOptions(
        dashboard.SpecialValueMatch.NULL_AND_NAN, dashboard.ValueMappingResult(text="none", index=0)
    )
)
"""A quantile of no requests is not a number."""


@dataclass(frozen=True)
class Drawn:
    """What is special to a kind of panel."""

    options: object
    custom: object | None = None
    overrides: list[Override] = field(default_factory=list)
    transformations: list[dashboard.DataTransformerConfig] | None = None


def thresholds(steps: tuple[Step, ...]) -> dashboard.ThresholdsConfig:
    """Absolute ones, in the panel's unit."""
    return dashboard.ThresholdsConfig(
        dashboard.ThresholdsMode.ABSOLUTE, [dashboard.Threshold(step.value, step.color) for step in steps]
    )


def color(panel: Panel) -> dashboard.FieldColor:
    """One a line; of a number the color of the step that it has reached."""
    by_steps = panel.view in (View.STAT, View.TABLE)
    mode = dashboard.FieldColorModeId
    return dashboard.FieldColor(mode.THRESHOLDS if by_steps else mode.PALETTE_CLASSIC)


def _lines(panel: Panel) -> Drawn:
    style = common.GraphThresholdsStyleMode
    stacking = common.StackingMode
    return Drawn(
        timeseries.Options(
            legend=common.VizLegendOptions(
                common.LegendDisplayMode.LIST, common.LegendPlacement.BOTTOM, show_legend=True, calcs=[]
            ),
            tooltip=common.VizTooltipOptions(common.TooltipDisplayMode.MULTI, common.SortOrder.DESCENDING),
        ),
        timeseries.FieldConfig(
            draw_style=common.GraphDrawStyle.LINE,
            fill_opacity=30 if panel.stacked else 0,
            show_points=common.VisibilityMode.NEVER,
            stacking=common.StackingConfig(stacking.NORMAL if panel.stacked else stacking.NONE),
            thresholds_style=common.GraphThresholdsStyleConfig(style.DASHED if panel.steps else style.OFF),
        ),
        [_limit(target.legend) for target in panel.targets if target.limit],
    )


def _limit(name: str) -> Override:
    dashes = common.LineStyle("dash", [10, 10])
    red = dashboard.FieldColor(dashboard.FieldColorModeId.FIXED, "red")
    return _override(name, Setting("color", red), Setting("custom.lineStyle", dashes))


def _override(name: str, *settings: Setting) -> Override:
    return Override(matcher=dashboard.MatcherConfig("byName", name), properties=list(settings))


def _stat(panel: Panel) -> Drawn:
    painted = common.BigValueColorMode
    return Drawn(
        stat.Options(
            graph_mode=common.BigValueGraphMode.NONE,
            color_mode=painted.BACKGROUND if panel.steps else painted.NONE,
            reduce_options=common.ReduceDataOptions(values=False, calcs=["lastNotNull"]),
        )
    )


def _table(panel: Panel) -> Drawn:
    # One query's value has no letter.
    letters = (f"Value #{letter}" for letter in "ABCDEFGHIJ") if len(panel.columns) > 1 else ("Value",)
    names = dict(zip(letters, (column.name for column in panel.columns), strict=False))
    order = {name: place for place, name in enumerate((*panel.by, *names))}
    change = dashboard.DataTransformerConfig
    return Drawn(
        table.Options(
            cell_height=common.TableCellHeight.SM,
            sort_by=[common.TableSortByFieldState(*panel.sort)] if panel.sort else None,
        ),
        table.FieldConfig(),
        overrides=[_column(column) for column in panel.columns],
        transformations=[
            change("merge", options={}),
            change(
                "organize",
                options={"excludeByName": {"Time": True}, "indexByName": order, "renameByName": names},
            ),
        ],
    )


def _column(column: Column) -> Override:
    settings = [Setting("unit", column.unit)]
    if column.steps:
        settings.append(Setting("thresholds", thresholds(column.steps)))
        settings.append(Setting("custom.cellOptions", {"type": "color-background", "mode": "basic"}))
    return _override(column.name, *settings)


def _heatmap(panel: Panel) -> Drawn:
    return Drawn(
        heatmap.Options(
            color=heatmap.HeatmapColorOptions(
                heatmap.HeatmapColorMode.SCHEME,
                scheme="Oranges",
                fill="dark-orange",
                scale=heatmap.HeatmapColorScale.EXPONENTIAL,
                exponent=0.5,
                steps=64,
            ),
            # Prometheus' buckets come in the order of their bounds, each without those below it.
            rows_frame=heatmap.RowsHeatmapOptions(layout=common.HeatmapCellLayout.AUTO),
            cell_values=heatmap.CellValues(unit="reqps"),
            y_axis=heatmap.YAxisConfig(unit=panel.unit, axis_placement=common.AxisPlacement.LEFT),
            legend=heatmap.HeatmapLegend(show=True),
            tooltip=heatmap.HeatmapTooltip(common.TooltipDisplayMode.SINGLE, y_histogram=True),
            exemplars=heatmap.ExemplarConfig("rgba(255,0,255,0.7)"),
        ),
        heatmap.FieldConfig(),
    )


def _logs(_: Panel) -> Drawn:
    return Drawn(
        logs.Options(
            show_time=True,
            wrap_log_message=True,
            enable_log_details=True,
            sort_order=common.LogsSortOrder.DESCENDING,
            dedup_strategy=common.LogsDedupStrategy.NONE,
        )
    )


VIEWS: Mapping[View, Callable[[Panel], Drawn]] = {
    View.LINES: _lines,
    View.STAT: _stat,
    View.TABLE: _table,
    View.HEATMAP: _heatmap,
    View.LOGS: _logs,
}
