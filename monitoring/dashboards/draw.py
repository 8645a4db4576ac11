"""Dashboards as Grafana's JSON, by the types of grafana-foundation-sdk.

They are those of Grafana 11.6 (schema 41): a later Grafana turns them into its own when it reads them, an
earlier one does not."""

from collections.abc import Iterator, Sequence

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import dashboard, loki, prometheus

from monitoring.dashboards import views
from monitoring.dashboards.kit import Board, Language, Link, Panel, Variable, View

TAG = "slm-kit"
REFRESH = "30s"
COLUMNS = 24
"""Of Grafana's grid."""
ANYTHING = ".+"
"""Every query matches variables as regular expressions."""


def draw(board: Board) -> str:
    """The JSON of one dashboard; the same text for the same board."""
    return dump(_dashboard(board))


def dump(content: dashboard.Dashboard) -> str:
    """What Grafana reads, keys sorted."""
    return JSONEncoder(sort_keys=True, indent=1).encode(content) + "\n"


def _dashboard(board: Board) -> dashboard.Dashboard:
    return dashboard.Dashboard(
        uid=board.uid,
        title=board.title,
        description=board.about,
        tags=[TAG],
        editable=False,
        graph_tooltip=dashboard.DashboardCursorSync.CROSSHAIR,
        time=dashboard.DashboardDashboardTime(from_val=board.begin, to="now"),
        refresh=REFRESH,
        panels=list(_placed(board.panels)),
        annotations=dashboard.AnnotationContainer([]),
        templating=dashboard.DashboardDashboardTemplating([_variable(one) for one in board.variables]),
        links=[
            dashboard.DashboardLink(
                title="All dashboards",
                type_val=dashboard.DashboardLinkType.DASHBOARDS,
                icon="external link",
                tags=[TAG],
                include_vars=True,
                keep_time=True,
            )
        ],
    )


def _placed(panels: Sequence[Panel]) -> Iterator[dashboard.Panel]:
    """In rows from the left, each as high as its highest panel."""
    x = y = row = 0
    for number, panel in enumerate(panels, start=1):
        if x + panel.width > COLUMNS:
            x, y, row = 0, y + row, 0
        yield _panel(panel, number, dashboard.GridPos(h=panel.height, w=panel.width, x=x, y=y))
        x, row = x + panel.width, max(row, panel.height)


def _panel(panel: Panel, number: int, place: dashboard.GridPos) -> dashboard.Panel:
    view = views.VIEWS[panel.view](panel)
    return dashboard.Panel(
        type_val=panel.view,
        id_val=number,
        title=panel.title,
        description=panel.about,
        datasource=_source(panel),
        grid_pos=place,
        links=[_link(panel.link)],
        targets=_targets(panel),
        transformations=view.transformations,
        options=view.options,
        field_config=dashboard.FieldConfigSource(
            defaults=_defaults(panel, view.custom), overrides=view.overrides
        ),
    )


def _source(panel: Panel) -> dashboard.DataSourceRef:
    """The provisioned data source; uid and type are the same word."""
    return dashboard.DataSourceRef(type_val=panel.language, uid=panel.language)


def _targets(panel: Panel) -> list[Dataquery]:
    """Its queries, named A, B, …"""
    numbered = list(zip("ABCDEFGHIJ", panel.expressions, strict=False))
    if panel.language is Language.LOGQL:
        legend = panel.targets[0].legend or None
        return [
            loki.Dataquery(expr, legend, query_type="range", ref_id=name, datasource=_source(panel))
            for name, expr in numbered
        ]
    legends = [target.legend for target in panel.targets] or [""] * len(numbered)
    # Numbers are asked for once, at the end of the time range.
    once = panel.view in (View.TABLE, View.STAT)
    return [
        prometheus.Dataquery(
            datasource=_source(panel),
            expr=expr,
            ref_id=name,
            format_val=_FORMATS.get(panel.view, prometheus.PromQueryFormat.TIME_SERIES),
            legend_format=legend or None,
            instant=once,
            range_val=not once,
        )
        for (name, expr), legend in zip(numbered, legends, strict=True)
    ]


_FORMATS = {
    View.TABLE: prometheus.PromQueryFormat.TABLE,
    View.HEATMAP: prometheus.PromQueryFormat.HEATMAP,
}


def _defaults(panel: Panel, custom: object) -> dashboard.FieldConfig:
    return dashboard.FieldConfig(
        unit=panel.unit,
        min_val=0 if panel.view is View.LINES else None,
        max_val=panel.top,
        thresholds=views.thresholds(panel.steps) if panel.steps else None,
        mappings=[views.NOTHING],
        color=views.color(panel),
        links=[_link(panel.of_row)] if panel.of_row else None,
        no_value=panel.empty,
        custom=custom,
    )


def _link(link: Link) -> dashboard.DashboardLink:
    return dashboard.DashboardLink(title=link.title, url=link.url)


def _variable(variable: Variable) -> dashboard.VariableModel:
    if variable.values is None:
        anything = dashboard.VariableOption(selected=True, text=ANYTHING, value=ANYTHING)
        return dashboard.VariableModel(
            dashboard.VariableType.TEXTBOX,
            variable.name,
            variable.label,
            query=ANYTHING,
            current=anything,
            options=[anything],
        )
    first = ("All", "$__all") if variable.everything else (variable.values[0], variable.values[0])
    several = variable.everything
    return dashboard.VariableModel(
        dashboard.VariableType.CUSTOM,
        variable.name,
        variable.label,
        query=",".join(variable.values),
        current=dashboard.VariableOption(
            selected=True,
            text=[first[0]] if several else first[0],
            value=[first[1]] if several else first[1],
        ),
        multi=several,
        allow_custom_value=False,
        include_all=several,
        all_value=ANYTHING if several else None,
    )
