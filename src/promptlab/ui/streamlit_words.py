"""Streamlit's own words in Chinese: tooltips, hints and names of its buttons, which no parameter changes.

`page_language.js` exchanges them in the browser. Each stands under the places (CSS) where Streamlit shows it,
so that no word of a model or a data file is taken for one. `{}` is what differs from time to time.
"""

from __future__ import annotations

from collections.abc import Mapping

_CLEAR = {"Clear value": "清空", "Clear entry": "清除输入", "Clear all": "全部清除"}
_TOOLBAR = {
    "Show/hide columns": "显示或隐藏列",
    "Download as CSV": "下载为 CSV",
    "Search": "搜索",
    "Fullscreen": "全屏",
    "Close fullscreen": "退出全屏",
    "Clear selection": "取消选择",
    "Add row": "添加行",
    "Delete row(s)": "删除所选行",
}
_STATUS = {
    "Running...": "运行中…",
    "Stop": "停止",
    "Stopping...": "正在停止…",
    "Connecting": "正在连接",
    "Connecting to Streamlit server": "正在连接工作台",
    "Error": "出错",
    "Unable to connect to Streamlit server": "无法连接工作台",
}
_RANGE = {
    "Number is outside the allowed range. Please enter a value between {} and {}.": (
        "请输入 {} 到 {} 之间的数。"
    ),
    "Number is below the allowed range. Please enter a value greater than or equal to {}.": (
        "请输入不小于 {} 的数。"
    ),
    "Number is above the allowed range. Please enter a value less than or equal to {}.": (
        "请输入不大于 {} 的数。"
    ),
    "Number is below the allowed range.": "数值过小。",
    "Number is above the allowed range.": "数值过大。",
    "Invalid input.": "输入无效。",
}

WORDS: Mapping[str, Mapping[str, str]] = {
    # The frame of the page.
    "[data-testid='stSkipToContent']": {"Skip to main content": "跳到主要内容"},
    "[data-testid='stTopNav'], [data-testid='stSidebarNav']": {"App pages": "页面"},
    "[data-testid='stStatusWidget'] *": _STATUS,
    "[data-testid='stDialog'] :is(div, h1, h2, p, span, button), [role='dialog'] :is(h1, h2, p, button)": {
        "Connection error": "连接中断",
        "Is Streamlit still running? If you accidentally stopped Streamlit, "
        "just restart it in your terminal:": "若工作台已停止，请在终端用 promptlab ui 重新启动：",
        "Streamlit server is not responding. Are you connected to the internet?": (
            "工作台没有响应。若已停止，请在终端用 promptlab ui 重新启动。"
        ),
        "Connection timed out.": "连接超时。",
        "Close": "关闭",
    },
    "[data-testid='stToast'] button": {"Close": "关闭", "view more": "展开", "view less": "收起"},
    "[data-testid^='stBaseButton'] kbd": {"Shortcut {}": "快捷键 {}"},
    "[data-testid='stHeaderActionElements'] a": {"Link to heading": "本节链接"},
    "[data-testid='stTooltipIcon'] button": {"Help for {}": "{} 的说明", "Help": "说明"},
    # Fields.
    "[data-testid='InputInstructions'] span": {
        "Press Enter to apply": "按 Enter 确认",
        "Press Enter to submit form": "按 Enter 提交",
        "Press {}+Enter to apply": "按 {}+Enter 确认",
        "Press {}+Enter to submit form": "按 {}+Enter 提交",
    },
    ":is([data-testid='stNumberInput'], [data-testid='stTextInput']) :is(button, [role='alert'])": {
        **_CLEAR,
        "Show password": "显示密钥",
        "Hide password": "隐藏密钥",
        "Increment": "增大",
        "Decrement": "减小",
        **{f"Error: {english}": f"错误：{chinese}" for english, chinese in _RANGE.items()},
    },
    "[data-testid='stTooltipErrorContent'] p": _RANGE,
    ":is([data-testid='stSelectbox'], [data-testid='stMultiSelect']) :is(button, input, [role='group'])": {
        **_CLEAR,
        "Open": "展开选项",
        "Choose an option": "请选择",
        "Choose options": "请选择（可多选）",
        "Selected values": "已选项",
        "Remove {}": "移除 {}",
    },
    "[data-testid$='Dropdown'] button": {"Dismiss": "关闭"},
    "[data-key='__creatable__'] *": {"Add: {}": "添加：{}"},
    "[data-key='__select_all__'] *, [data-key='__select_matches__'] *": {
        "Select all": "全选",
        "Select {} matches": "选择 {} 个匹配项",
    },
    "[role='listbox'][data-empty] [role='option'] *": {"No results": "没有匹配项"},
    "[data-testid='stChatInput'] button": {"Send message": "发送", "Stop script": "停止"},
    # Files.
    "[data-testid='stFileUploader'] *": {
        "file upload": "上传文件",
        "Upload": "选择文件",
        "Add files": "添加文件",
        "Drag and drop a file here": "将文件拖放到此处",
        "{} per file": "每个文件不超过 {}",
        "File must be {} or smaller.": "文件不得超过 {}。",
        "{} files are not allowed.": "不支持 {} 类型的文件。",
        "Remove {}": "移除 {}",
    },
    # Code, tables, charts, pages.
    "[data-testid='stCode'] button": {"Copy to clipboard": "复制", "Copied": "已复制"},
    "[data-testid='stPagination'] *": {
        "Pagination": "分页",
        "Previous page": "上一页",
        "Next page": "下一页",
        "Page {}": "第 {} 页",
    },
    "[data-testid='stElementToolbar'] button, [data-testid='stTooltipContent'] p, .modebar-btn": _TOOLBAR,
    "[data-testid='stDataFrame'] .gdg-search-bar *": {
        "Type to search": "输入以搜索",
        "Previous Result": "上一个",
        "Next Result": "下一个",
        "Close Search": "关闭搜索",
        "{} result": "{} 个结果",
        "{} results": "共 {} 个结果",
        "{} of {}": "第 {} 个，共 {} 个",
    },
    "[data-testid='stDataFrameColumnVisibilityMenu'] :is(span, input)": {
        "Select all": "全选",
        "(index)": "（行号）",
    },
    ":is([data-testid='stDataFrameColumnMenu'], [data-testid='stDataFrameColumnFormattingMenu']) "
    ":is([role='menu'], [role='menuitem'], [role='menuitem'] *, [aria-label])": {
        "Dataframe column menu": "列菜单",
        "Copy column name": "复制列名",
        "Sort ascending": "升序排列",
        "Sort descending": "降序排列",
        "Format": "格式",
        "Statistics": "统计",
        "Autosize": "自动列宽",
        "Pin column": "固定此列",
        "Unpin column": "取消固定",
        "Hide column": "隐藏此列",
        "Automatic": "自动",
        "Localized": "本地格式",
        "Plain": "原样",
        "Compact": "紧凑",
        "Dollar": "美元",
        "Euro": "欧元",
        "Yen": "日元",
        "Percent": "百分比",
        "Scientific": "科学计数",
        "Accounting": "会计",
        "Bytes": "字节",
        "Duration": "时长",
        "Distance": "相对时间",
        "Calendar": "日历",
    },
    "[data-testid='stDataFrameStatisticsMenu'] *": {
        "Values": "非空值",
        "Empty": "空值",
        "Distinct": "不同值",
        "Average": "平均值",
        "Standard deviation": "标准差",
        "Minimum": "最小值",
        "25th percentile": "第 25 百分位",
        "Median": "中位数",
        "75th percentile": "第 75 百分位",
        "Maximum": "最大值",
        "Sum": "合计",
        "Range": "范围",
        "Minimum length": "最短长度",
        "Maximum length": "最长长度",
        "Average length": "平均长度",
        "Distribution histogram": "分布直方图",
        "Distribution histogram: {}": "分布直方图：{}",
        "Top values frequency chart: {}": "最常见的值：{}",
        "Based on sample": "根据部分数据",
        "No data": "暂无数据",
    },
}
